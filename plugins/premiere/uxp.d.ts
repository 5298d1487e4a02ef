// What the panel uses of UXP, from its reference at developer.adobe.com. The published types are of 2023 and lack some.

declare module "premierepro" {
  const premiere: import("@adobe/premierepro").premierepro;
  export = premiere;
}

interface UxpFile {
  readonly isFile: true;
  readonly nativePath: string;
  read(): Promise<string>;
}

interface UxpFolder {
  readonly isFile: false;
  readonly nativePath: string;
  /** Throws if there is no such entry. */
  getEntry(name: string): Promise<UxpFile | UxpFolder>;
}

interface UxpFileSystem {
  /** null if the user cancels. */
  getFolder(): Promise<UxpFolder | null>;
  createPersistentToken(entry: UxpFolder): Promise<string>;
  /** Throws if the token is of no use any more. */
  getEntryForPersistentToken(token: string): Promise<UxpFile | UxpFolder>;
}

declare module "uxp" {
  export const entrypoints: { setup(points: { panels: Record<string, { show(root?: unknown): void }> }): void };
  export const storage: { localFileSystem: UxpFileSystem };
}

interface UxpElement {
  textContent: string;
  title: string;
  disabled: boolean;
  append(...children: UxpElement[]): void;
  replaceChildren(...children: UxpElement[]): void;
  addEventListener(kind: "click", listener: () => void): void;
}

interface UxpDocument {
  getElementById(id: string): UxpElement | null;
  createElement(tag: string): UxpElement;
}

interface UxpLocalStorage {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
}

declare const document: UxpDocument;
declare const localStorage: UxpLocalStorage;
declare const module: { exports: unknown };
declare function require(name: string): any; // TypeScript knows by itself what each module holds

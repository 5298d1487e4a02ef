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

interface UxpSecureStorage {
  /** What it gives for a key that isn't there is not documented. */
  getItem(key: string): Promise<Uint8Array | null | undefined>;
  setItem(key: string, value: string): Promise<void>;
  /** Rejected if there is no such key. */
  removeItem(key: string): Promise<void>;
}

interface UxpPanel {
  show(root?: unknown): void;
  hide?(root?: unknown): void;
  destroy?(root?: unknown): void;
}

declare module "uxp" {
  export const entrypoints: { setup(points: { panels: Record<string, UxpPanel> }): void };
  export const storage: { localFileSystem: UxpFileSystem; secureStorage: UxpSecureStorage };
}

interface UxpResponse {
  readonly status: number;
  text(): Promise<string>;
  arrayBuffer(): Promise<ArrayBuffer>;
}

interface UxpRequest {
  method: string;
  headers: Record<string, string>;
  credentials: "omit" | "include";
  body?: string;
  signal?: object;
}

/** Throws a TypeError if there is no answer. */
type UxpFetch = (url: string, init: UxpRequest) => Promise<UxpResponse>;

interface UxpAbortController {
  readonly signal: object;
  abort(): void;
}

interface UxpKeyboardEvent {
  readonly key: string;
  readonly isComposing?: boolean;
}

interface UxpElement {
  textContent: string;
  title: string;
  className: string;
  /** Of a field. */
  value: string;
  type: string;
  /** Of a checkbox. */
  checked: boolean;
  /** Of an image. */
  src: string;
  append(...children: UxpElement[]): void;
  replaceChildren(...children: UxpElement[]): void;
  addEventListener(kind: "click" | "error", listener: () => void): void;
  addEventListener(kind: "keydown", listener: (event: UxpKeyboardEvent) => void): void;
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
declare const fetch: UxpFetch;
declare const setTimeout: (act: () => void, ms: number) => unknown;
declare const clearTimeout: (timer: unknown) => void;
declare const AbortController: (new () => UxpAbortController) | undefined;
declare const Blob: new (parts: Uint8Array[], options: { type: string }) => object;
declare const URL: { createObjectURL(blob: object): string };
declare const module: { exports: unknown };
declare function require(name: string): any; // TypeScript knows by itself what each module holds

; The installer for Windows: for one user, without an administrator. It compiles on any system with NSIS 3:
;   makensis -NOCD -DVERSION=1.2.3 -DFOLDER=dist\TimeRefine -DOUT=dist\timerefine-1.2.3-windows-x64.exe ^
;     packaging\windows\installer.nsi
; With /S the installer and its uninstaller ask nothing.

!ifndef VERSION | FOLDER | OUT
  !error "Give VERSION, FOLDER and OUT"
!endif
!define ICON "${__FILEDIR__}\..\icons\timerefine.ico"
!define CLASSES "Software\Classes"
!define KIND "TimeRefine.Project"
!define UNINSTALL "Software\Microsoft\Windows\CurrentVersion\Uninstall\TimeRefine"

Unicode true
SetCompressor /SOLID lzma
Name "TimeRefine ${VERSION}"
OutFile "${OUT}"
InstallDir "$LOCALAPPDATA\Programs\TimeRefine"
InstallDirRegKey HKCU "${UNINSTALL}" "InstallLocation"
RequestExecutionLevel user
VIProductVersion "${VERSION}.0"
VIAddVersionKey "ProductName" "TimeRefine Desktop"
VIAddVersionKey "ProductVersion" "${VERSION}"
VIAddVersionKey "FileVersion" "${VERSION}"
VIAddVersionKey "FileDescription" "Installs TimeRefine Desktop"
VIAddVersionKey "LegalCopyright" "GPL-3.0-or-later as a whole; tr-desktop licences names all parts"

!include "MUI2.nsh"
!include "FileFunc.nsh"
!define MUI_ICON "${ICON}"
!define MUI_UNICON "${ICON}"
!define MUI_FINISHPAGE_RUN "$INSTDIR\TimeRefine.exe"
!insertmacro MUI_PAGE_DIRECTORY
!insertmacro MUI_PAGE_INSTFILES
!insertmacro MUI_PAGE_FINISH
!insertmacro MUI_UNPAGE_CONFIRM
!insertmacro MUI_UNPAGE_INSTFILES
!insertmacro MUI_LANGUAGE "English"

Section "TimeRefine"
  ; Modules of an older version must not stay beside the new ones.
  RMDir /r "$INSTDIR\_internal"
  SetOutPath "$INSTDIR"
  File /r "${FOLDER}\*"
  WriteUninstaller "$INSTDIR\uninstall.exe"
  CreateShortcut "$SMPROGRAMS\TimeRefine.lnk" "$INSTDIR\TimeRefine.exe"

  WriteRegStr HKCU "${CLASSES}\.trproj" "" "${KIND}"
  WriteRegStr HKCU "${CLASSES}\.trproj\OpenWithProgids" "${KIND}" ""
  WriteRegStr HKCU "${CLASSES}\${KIND}" "" "TimeRefine project"
  WriteRegStr HKCU "${CLASSES}\${KIND}\DefaultIcon" "" "$INSTDIR\TimeRefine.exe,0"
  WriteRegStr HKCU "${CLASSES}\${KIND}\shell\open\command" "" '"$INSTDIR\TimeRefine.exe" "%1"'

  WriteRegStr HKCU "${UNINSTALL}" "DisplayName" "TimeRefine"
  WriteRegStr HKCU "${UNINSTALL}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKCU "${UNINSTALL}" "DisplayIcon" "$INSTDIR\TimeRefine.exe"
  WriteRegStr HKCU "${UNINSTALL}" "InstallLocation" "$INSTDIR"
  WriteRegStr HKCU "${UNINSTALL}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  WriteRegStr HKCU "${UNINSTALL}" "QuietUninstallString" '"$INSTDIR\uninstall.exe" /S'
  WriteRegDWORD HKCU "${UNINSTALL}" "NoModify" 1
  WriteRegDWORD HKCU "${UNINSTALL}" "NoRepair" 1
  ${GetSize} "$INSTDIR" "/S=0K" $0 $1 $2
  IntFmt $0 "0x%08X" $0
  WriteRegDWORD HKCU "${UNINSTALL}" "EstimatedSize" "$0"
  ${RefreshShellIcons}
SectionEnd

; Only what the installer wrote: the user may have chosen a folder with other files. Library, settings and projects stay.
Section "Uninstall"
  RMDir /r "$INSTDIR\_internal"
  Delete "$INSTDIR\TimeRefine.exe"
  Delete "$INSTDIR\tr-desktop.exe"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
  Delete "$SMPROGRAMS\TimeRefine.lnk"
  DeleteRegKey HKCU "${CLASSES}\${KIND}"
  DeleteRegValue HKCU "${CLASSES}\.trproj\OpenWithProgids" "${KIND}"
  ReadRegStr $0 HKCU "${CLASSES}\.trproj" ""
  ${If} $0 == "${KIND}"
    DeleteRegValue HKCU "${CLASSES}\.trproj" ""
  ${EndIf}
  DeleteRegKey HKCU "${UNINSTALL}"
  ${RefreshShellIcons}
SectionEnd

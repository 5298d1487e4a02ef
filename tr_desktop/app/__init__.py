"""The desktop app. The only room that knows Qt; what it shows and keeps is made by the rooms below."""

"""The window, its actions and menus, and the life of the app."""

"""The `tr-desktop` command: a module for each group; `main` lists them."""

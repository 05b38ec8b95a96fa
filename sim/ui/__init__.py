"""The room: a browser in which trainers show the dynamics. `python -m sim ui` opens it."""

"""Update: a registry whose champion follows the world, one judged step at a time."""

from headstart.updating.update import update

__all__ = ["update"]

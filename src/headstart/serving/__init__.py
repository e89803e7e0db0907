"""Stage 8, serve: a bundle answers over HTTP.

`import headstart.serving` stays light: the web server is loaded by `serve`.
"""

from headstart.serving.settings import ServerSettings
from headstart.serving.workers import serve

__all__ = ["ServerSettings", "serve"]

"""All addresses but the two that predict: health, what is known of models, reloading, metrics, the OpenAPI page."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException

from headstart.core.errors import HeadstartError
from headstart.serving import metrics, openapi
from headstart.serving.asgi import RequestError, to_http_error
from headstart.serving.protocol import describe

if TYPE_CHECKING:
    from starlette.requests import Request

    from headstart.serving.app import Service

_EXTENSIONS = ["binary_tensor_data", "model_repository"]


def routes(service: Service) -> FastAPI:
    """Everything that is asked seldom, as one FastAPI application."""
    app = FastAPI(
        title="headstart serve", version=version("headstart"), docs_url=None, redoc_url=None, openapi_url=None
    )
    _add_errors(app)
    _add_health(app, service)
    _add_models(app, service)
    _add_repository(app, service)

    @app.get("/", tags=["server"])
    async def root() -> dict[str, Any]:
        """What this server is, which models it serves, and where to read on."""
        models = list(dict.fromkeys(one.name for one in service.catalogue))
        return {
            "server": f"headstart {app.version}",
            "models": models,
            "predict": f"POST /v1/models/{models[0]}/predict",
            "documentation": "/docs",
        }

    @app.get("/metrics", tags=["operation"], response_class=Response)
    async def prometheus() -> Response:
        """Figures for Prometheus."""
        return Response(metrics.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")

    @app.get("/openapi.json", include_in_schema=False)
    async def openapi_document() -> dict[str, Any]:
        return openapi.complete(app.openapi(), service.catalogue)

    @app.get("/docs", include_in_schema=False)
    async def page() -> HTMLResponse:
        return HTMLResponse(_page(), headers={"content-security-policy": openapi.CONTENT_POLICY})

    return app


def _add_health(app: FastAPI, service: Service) -> None:
    @app.get("/v2", tags=["server"])
    async def server() -> dict[str, Any]:
        """Name, version and extensions of the server."""
        return {"name": "headstart", "version": app.version, "extensions": _EXTENSIONS}

    @app.get("/v2/health/live", tags=["server"])
    async def live() -> dict[str, bool]:
        """Whether the server answers at all."""
        return {"live": True}

    @app.get("/v2/health/ready", tags=["server"])
    async def ready() -> dict[str, bool]:
        """Whether requests may be sent here; not while it is being stopped."""
        if service.is_draining:
            raise RequestError(503, "the server is being stopped.")
        return {"ready": True}


def _add_models(app: FastAPI, service: Service) -> None:
    @app.get("/v2/models/{name}", tags=["models"])
    @app.get("/v2/models/{name}/versions/{version}", tags=["models"])
    async def metadata(name: str, version: str | None = None) -> dict[str, Any]:
        """The tensors that a model takes and gives, its labels, and the versions that are served."""
        found = service.catalogue.get(name, version)
        return describe(found, service.catalogue.versions(name))

    @app.get("/v2/models/{name}/ready", tags=["models"])
    @app.get("/v2/models/{name}/versions/{version}/ready", tags=["models"])
    async def model_ready(name: str, version: str | None = None) -> dict[str, Any]:
        """Whether a model may be asked."""
        found = service.catalogue.get(name, version)
        return {"name": found.name, "ready": True}


def _add_repository(app: FastAPI, service: Service) -> None:
    @app.post("/v2/repository/index", tags=["models"])
    async def index() -> list[dict[str, str]]:
        """All models and versions that are served."""
        return [{"name": one.name, "version": one.version, "state": "READY", "reason": ""} for one in service.catalogue]

    @app.post("/v2/repository/models/{name}/load", tags=["models"])
    async def load(name: str) -> dict[str, Any]:
        """Look at the disk again and serve what has changed; needs a server with tokens."""
        if not service.tokens:
            raise RequestError(403, "models are loaded only by a server with tokens. Start it with --token-file.")
        catalogue = await service.reload()
        return {"name": name, "versions": list(catalogue.versions(catalogue.get(name).name))}


def _add_errors(app: FastAPI) -> None:
    """Errors as the protocol says them: {"error": a sentence}."""

    @app.exception_handler(HTTPException)
    async def unknown(request: Request, error: HTTPException) -> JSONResponse:
        words = f"there is nothing at {request.method} {request.url.path[:200]}. /docs lists what is."
        return JSONResponse({"error": words}, error.status_code, headers=error.headers)

    @app.exception_handler(HeadstartError)
    async def refused(request: Request, error: HeadstartError) -> JSONResponse:  # noqa: ARG001
        describe_plan = to_http_error(error)
        return JSONResponse({"error": str(describe_plan)}, describe_plan.status)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> JSONResponse:  # noqa: ARG001
        return JSONResponse({"error": f"the request is not valid: {error.errors()[0]['msg']}."}, 400)


@cache
def _page() -> str:
    return files("headstart.serving").joinpath("docs.html").read_text(encoding="utf-8")

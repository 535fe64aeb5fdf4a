"""The routes of the page's server; what they do stands in the modules beside this one."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from anyio.to_thread import current_default_thread_limiter
from starlette.applications import Starlette
from starlette.responses import FileResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from tamis.errors import UsageError
from tamis.interfaces.server.answers import (
    answer_document,
    held_by,
    picture_document,
    rows_document,
)
from tamis.interfaces.server.comparisons import comparison_of
from tamis.interfaces.server.downloads import download_of, start_export
from tamis.interfaces.server.endpoints import (
    Json,
    endpoint,
    path_number,
    query_decimal,
    query_number,
)
from tamis.interfaces.server.happened import dataset_document, history_document
from tamis.interfaces.server.map_routes import add_map_routes
from tamis.interfaces.server.openapi import description
from tamis.interfaces.server.pictures import original
from tamis.interfaces.server.questions import Question
from tamis.interfaces.server.security import Guard
from tamis.interfaces.server.served import QUICK, request_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from starlette.requests import Request
    from starlette.types import ASGIApp

    from tamis.interfaces.server.endpoints import Work
    from tamis.interfaces.server.security import Door
    from tamis.interfaces.server.session import Session

__all__ = ["SHELL", "STATIC", "make_app", "make_routes"]

STATIC: Final = Path(__file__).with_name("static")
"""The page as it was built."""

SHELL: Final = frozenset({"/", "/assets/page.js", "/assets/page.css", "/assets/icon.svg"})
"""The page without any data: the same for every dataset."""

_THREADS: Final = 6
_FOREVER: Final = {"Cache-Control": "private, max-age=31536000, immutable"}


def make_app(session: Session, door: Door) -> ASGIApp:
    """Return the server for a session, behind its guard."""

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        # one person asks; each thread that ever worked keeps memory of its own
        current_default_thread_limiter().total_tokens = _THREADS
        yield
        session.close()

    assets = Mount("/assets", _Assets(directory=STATIC / "assets"), name="assets")
    return Guard(Starlette(routes=[*make_routes(session), assets], lifespan=lifespan), door)


class _Assets(StaticFiles):
    """The page's script and style; a browser asks each time whether its copy is the present one."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        """Return a file, or that a copy is the present one."""
        answer = super().file_response(*args, **kwargs)
        answer.headers["Cache-Control"] = "no-cache"
        return answer


def make_routes(session: Session) -> list[Route]:  # noqa: C901, PLR0915 - one short function a route
    """Return the routes; the sentence under each is its description in the API."""
    routes: list[Route] = []

    def route(path: str, method: str = "GET") -> Callable[[Work], Work]:
        def add(work: Work) -> Work:
            routes.append(Route(path, endpoint(work), methods=[method]))
            return work

        return add

    @route("/")
    def page(_request: Request, _body: Any) -> Response:
        """The page."""
        return FileResponse(STATIC / "index.html", headers={"Cache-Control": "no-cache"})

    @route("/openapi.json")
    def openapi(_request: Request, _body: Any) -> Any:
        """This description."""
        return description(routes)

    @route("/api/dataset")
    def dataset(_request: Request, _body: Any) -> Any:
        """What the dataset is, with its columns, classes and encoders."""
        with session.lock:
            return dataset_document(session)

    @route("/api/changes")
    def changes(_request: Request, _body: Any) -> Any:
        """The newest snapshot, whoever wrote it, and the jobs that run."""
        jobs = [job.document() for job in session.jobs.all() if job.state == "running"]
        return {"snapshot": session.refresh(), "jobs": jobs}

    @route("/api/history")
    def history(request: Request, _body: Any) -> Any:
        """The newest operations that stand."""
        return {"operations": history_document(session, query_number(request, "limit", 50))}

    @route("/api/questions", "POST")
    def ask(request: Request, body: Any) -> Any:
        """Ask for rows: filters, where, text, like, region, sort; says how many there are."""
        answer = session.ask(Question.of(body))
        return answer_document(answer, session, request.query_params.get("previous"))

    @route("/api/facets", "POST")
    def facets(_request: Request, body: Any) -> Any:
        """What columns hold under a question's filters, with totals."""
        return {"facets": session.facets(Question.of(body))}

    @route("/api/answers/{answer}/rows")
    def rows(request: Request, _body: Any) -> Any:
        """A page of an answer's rows, as columns."""
        return rows_document(
            session,
            session.answers.of(request.path_params["answer"]),
            query_number(request, "offset", 0),
            query_number(request, "limit", 100),
            boxes=request.query_params.get("boxes") == "1",
        )

    @route("/api/answers/{answer}/shapes")
    def shapes(request: Request, _body: Any) -> Response:
        """A byte for each row: width / height is 2 ** ((byte - 128) / 32)."""
        answer = session.answers.of(request.path_params["answer"])
        return Response(answer.shapes.tobytes(), media_type="application/octet-stream")

    add_map_routes(session, route)

    @route("/api/thumbnails")
    def thumbnails(request: Request, _body: Any) -> Response:
        """Thumbnails of `ids`: their number and byte lengths as uint32, then the JPEGs."""
        ids = [name for name in request.query_params.get("ids", "").split(",") if name]
        packed = session.thumbnails.packed(ids)
        return Response(packed, media_type="application/octet-stream", headers=_FOREVER)

    @route("/api/pictures/{id}")
    def picture(request: Request, _body: Any) -> Any:
        """All that the dataset says of a picture."""
        return picture_document(session, request.path_params["id"])

    @route("/api/pictures/{id}/thumbnail")
    def thumbnail(request: Request, _body: Any) -> Response:
        """A picture's thumbnail."""
        name = request.path_params["id"]
        tag = f'"{name}"'
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers={"ETag": tag, **_FOREVER})
        data = session.thumbnails.of([name])[0]
        return Response(data, media_type="image/jpeg", headers={"ETag": tag, **_FOREVER})

    @route("/api/pictures/{id}/original")
    def full(request: Request, _body: Any) -> Response:
        """A picture as it lies on disk; a PNG where browsers do not show its format."""
        data, media = original(session.workspace.samples, request.path_params["id"])
        return Response(data, media_type=media, headers={"Cache-Control": "private, no-cache"})

    @route("/api/examples", "POST")
    def example(_request: Request, body: Any) -> Any:
        """Take a picture's bytes, to search by; its name goes into a question's `like`."""
        if not isinstance(body, bytes):
            raise UsageError("give a picture's bytes")
        return {"example": session.add_example(body)}

    @route("/api/selections")
    def selections(_request: Request, _body: Any) -> Any:
        """The selections that were given a name."""
        return {"selections": [one.document() for one in session.selections.named()]}

    @route("/api/selections", "POST")
    def select(_request: Request, body: Any) -> Any:
        """Keep a part of an answer: `answer`, perhaps `ranges` of places and a `name`."""
        if not isinstance(body, dict) or not isinstance(body.get("answer"), str):
            raise UsageError("a selection names the answer that it is a part of")
        answer = session.answers.of(body["answer"])
        with session.lock:
            made = session.selections.make(answer, session.table, body, body.get("name"))
            return made.document() | {"holds": held_by(session, made.ids)}

    @route("/api/selections/{name}")
    def selection(request: Request, _body: Any) -> Any:
        """How many pictures a selection has, and their labels and tags."""
        found = session.selections.of(request.path_params["name"])
        with session.lock:
            return found.document() | {"holds": held_by(session, found.ids)}

    @route("/api/selections/{name}", "DELETE")
    def forget(request: Request, _body: Any) -> Any:
        """Forget a selection; the pictures stay as they are."""
        session.selections.forget(request.path_params["name"])
        return {}

    @route("/api/saved")
    def saved(_request: Request, _body: Any) -> Any:
        """The questions that were saved by a name, with how many pictures each means now."""
        with session.lock:
            return {"saved": session.saved.document(session.table)}

    @route("/api/saved", "POST")
    def save(_request: Request, body: Any) -> Any:
        """Save a `question` by a `name`; it outlasts the server."""
        if not isinstance(body, dict) or set(body) != {"name", "question"}:
            raise UsageError("to save takes a name and a question")
        with session.lock:
            session.saved.save(body["name"], body["question"])
            return {"saved": session.saved.document(session.table)}

    @route("/api/saved/{name}", "DELETE")
    def unsave(request: Request, _body: Any) -> Any:
        """Forget a saved question; the pictures stay as they are."""
        with session.lock:
            session.saved.remove(request.path_params["name"])
            return {"saved": session.saved.document(session.table)}

    @route("/api/present", "POST")
    def present(_request: Request, body: Any) -> Any:
        """Say what the page shows: `answer`, and `selection` where something is selected."""
        if not isinstance(body, dict) or not isinstance(body.get("answer"), str):
            raise UsageError("what is shown is an answer, and perhaps a selection")
        selection = body.get("selection")
        answer = session.answers.of(body["answer"])
        with session.lock:
            shown = session.selections.make(answer, session.table, {})
            chosen = None if selection is None else session.selections.of(selection)
            session.shown, session.chosen = shown, chosen
        return {}

    @route("/api/verbs/{verb}", "POST")
    def verb(request: Request, body: Any) -> Response:
        """Do what a verb's request asks; long work becomes a job."""
        name = request.path_params["verb"]
        fields = {} if body is None else body
        chosen = request.query_params.get("selection")
        with session.lock:
            if chosen is not None and isinstance(fields, dict):
                # what a condition means is known of one snapshot alone
                now = session.refresh()
                fields = fields | session.selections.of(chosen).pictures(now)
            asked = request_of(name, fields, session.table)
            if name not in QUICK:
                job = session.jobs.start(name, lambda feedback: session.do_alone(asked, feedback))
                return Json(job.document(), status_code=202)
            result = session.do(asked).document()
            headers = {"X-Tamis-Snapshot": str(session.workspace.store.snapshot)}
        return Json(result, headers=headers)

    @route("/api/comparisons", "POST")
    def comparison(_request: Request, body: Any) -> Any:
        """Compare the pictures of questions `a` and `b`, two `layers`, or two `encoders`."""
        with session.lock:
            return session.do(comparison_of(body, session.table)).document()

    @route("/api/queues")
    def queues(_request: Request, _body: Any) -> Any:
        """The review queues: what each asks, how much is left, and the seconds an answer takes."""
        return {"queues": session.queues.overview()}

    @route("/api/queues/{queue}")
    def queue(request: Request, _body: Any) -> Any:
        """The next questions of a review queue, those first that settle most."""
        return session.queues.document(
            request.path_params["queue"],
            query_number(request, "limit", 20),
            query_decimal(request, "threshold"),
        )

    @route("/api/queues/{queue}", "POST")
    def find(request: Request, body: Any) -> Any:
        """Begin the work that finds a queue's questions, perhaps only where `answer` looks."""
        where = None
        if isinstance(body, dict) and body.get("answer") is not None:
            question = session.answers.of(str(body["answer"])).question
            with session.lock:
                where = question.condition(session.table)
        return session.queues.start(request.path_params["queue"], where)

    @route("/api/queues/{queue}/answers", "POST")
    def answer(request: Request, body: Any) -> Any:
        """Answer a question: its `key`, `answer`, perhaps `label`, and pictures `without`."""
        return session.queues.answer(request.path_params["queue"], body)

    @route("/api/pictures/{id}/heat")
    def heat(request: Request, _body: Any) -> Response:
        """Where a picture differs from nominal ones, as a PNG to lie over it."""
        layer = request.query_params.get("layer") or "defects"
        threshold = query_decimal(request, "threshold")
        data = session.heat.of(request.path_params["id"], threshold, layer)
        return Response(data, media_type="image/png", headers={"Cache-Control": "no-cache"})

    @route("/api/pictures/{id}/segments", "POST")
    def segment(request: Request, body: Any) -> Any:
        """What `points` of a picture mean to the user's segmenter, as the run lengths of a mask."""
        if session.segmenter is None:
            raise UsageError("no segmenter was named; start  tamis app --segmenter MODULE:FUNCTION")
        name = request.path_params["id"]
        return {"mask": session.segmenter.mask(session.workspace.samples, name, body)}

    @route("/api/jobs")
    def jobs(_request: Request, _body: Any) -> Any:
        """Long work, what is done and what runs."""
        return {"jobs": [job.document() for job in session.jobs.all()]}

    @route("/api/jobs/{number}")
    def job(request: Request, _body: Any) -> Any:
        """How far a job has come, and its result."""
        return session.jobs.of(path_number(request, "number")).document()

    @route("/api/jobs/{number}", "DELETE")
    def cancel(request: Request, _body: Any) -> Any:
        """Ask a job to end; what it has committed stands."""
        return session.jobs.cancel(path_number(request, "number")).document()

    @route("/api/exports", "POST")
    def export(_request: Request, body: Any) -> Any:
        """Begin an export of all pictures or of a selection, as a job."""
        return session.jobs.of(start_export(session, body)).document()

    @route("/api/exports/{number}")
    def download(request: Request, _body: Any) -> Response:
        """The file of an export that is done."""
        place, name = download_of(session, path_number(request, "number"))
        return FileResponse(place, filename=name)

    return routes

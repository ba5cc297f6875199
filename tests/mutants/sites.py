"""The places of the package that are changed, and a random choice of changes: Cosmic Ray's."""

from __future__ import annotations

import ast
import random
import re
import uuid
from collections import defaultdict
from pathlib import Path

from cosmic_ray.commands.init import _all_work_items
from cosmic_ray.work_item import WorkItem

#: what is changed: events, metrics, the trainer and the generator
PARTS = (
    "events/**/*.py",
    "metrics/**/*.py",
    "training/trainer.py",
    "training/learner.py",
    "training/minimise.py",
    "models/train.py",
    "training/batches.py",
    "training/sampler.py",
    "training/run.py",
    "training/checkpoints.py",
    "models/generators/base.py",
    "models/generators/hits/*.py",
    "models/generators/particles/*.py",
    "models/generate.py",
    "networks/mixtures.py",
    "networks/chain_law.py",
    "networks/sequence_transformer.py",
)
#: decorators without effect on results: they compile, keep what was found, or save time
IDLE = re.compile(r"njit|compiled|inlined|cache|no_grad|inference_mode|override|abstractmethod")
#: calls that only tell the user something
TELLING = re.compile(r"^(tqdm|warnings|logging|log|logger|bar|self\.bar|print)\b")
#: one way of writing the same comparison instead of another
SAME = re.compile(r"_(Eq|NotEq)_Is(Not)?$|_Is_Eq$|_IsNot_NotEq$")


def files(package: Path, only: str = "") -> list[Path]:
    """Files that are changed; of those, ones whose path contains ``only``."""
    found = {path for part in PARTS for path in package.glob(part)}
    return sorted(p for p in found if re.search(only, p.relative_to(package).as_posix()))


def chosen(paths: list[Path], number: int, seed: int) -> list[WorkItem]:
    """So many random changes, each of a place of its own.

    Places are drawn first, for some have twelve changes and others one.
    """
    places = defaultdict(list)
    for path in paths:
        allowed = Allowed(path)
        for item in _all_work_items([path], {}):
            (change,) = item.mutations
            if allowed(change.operator_name, change.start_pos, change.end_pos):
                places[str(path), change.start_pos, change.end_pos].append(item)
    rng = random.Random(seed)
    some = rng.sample(sorted(places), min(number, len(places)))
    names = random.Random(seed + 1)
    return [
        WorkItem(uuid.UUID(int=names.getrandbits(128)).hex, rng.choice(places[place]).mutations)
        for place in some
    ]


class Allowed:
    """Whether a change of a file can matter: not if it is no code, or cannot be told from it.

    Left out are annotations, decorators that only save time, texts of errors (not whether they are
    raised), progress bars and logs, imports for type checkers, representations for people, lines
    marked ``pragma: no mutate``, ``strict`` of ``zip``, and comparisons that are written another
    way (``is`` for ``==``).
    """

    def __init__(self, path: Path) -> None:
        text = path.read_text()
        self.lines = text.splitlines()
        self.spans: list[tuple[tuple[int, int], tuple[int, int]]] = []
        for node in ast.walk(ast.parse(text)):
            for part in self._idle(node):
                end = (part.end_lineno or part.lineno, part.end_col_offset or 0)
                self.spans.append(((part.lineno, part.col_offset), end))

    def __call__(self, operator: str, start: tuple[int, int], end: tuple[int, int]) -> bool:
        """Whether ``operator`` may change what lies between two lines and columns."""
        if SAME.search(operator) or "pragma: no mutate" in self.lines[start[0] - 1]:
            return False
        inside = any(a <= start and end <= b for a, b in self.spans)
        decorator = operator.endswith("RemoveDecorator")
        return not inside and not (decorator and IDLE.search(self.lines[start[0] - 1]))

    @staticmethod
    def _idle(node: ast.AST) -> list[ast.expr | ast.stmt]:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            given = [d for d in node.decorator_list if IDLE.search(ast.unparse(d))]
            if isinstance(node, ast.FunctionDef):
                if node.name in ("__repr__", "_repr_html_", "__str__"):
                    return [node]
                spoken = node.args
                every = [*spoken.posonlyargs, *spoken.args, *spoken.kwonlyargs]
                every += [a for a in (spoken.vararg, spoken.kwarg) if a]
                given += [a.annotation for a in every if a.annotation]
                given += [node.returns] if node.returns else []
            return list(given)
        if isinstance(node, ast.AnnAssign):
            return [node.annotation]
        if isinstance(node, ast.Raise):
            return [x for x in (node.exc, node.cause) if x]
        if isinstance(node, ast.keyword) and node.arg == "strict":
            return [node.value]  # of zip: lengths are equal
        if isinstance(node, ast.Call) and TELLING.search(ast.unparse(node.func)):
            return [node]
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return [node]
        if isinstance(node, ast.Import | ast.ImportFrom):
            return [node]
        if isinstance(node, ast.Assign | ast.Subscript) and _is_type(node):
            return [node]
        return []


def _is_type(node: ast.Assign | ast.Subscript) -> bool:
    """Whether this is a name for a type, such as ``Table = NDArray[np.float64] | None``."""
    if isinstance(node, ast.Assign):
        value = ast.unparse(node.value)
        return re.match(r"(NDArray|Callable|tuple|dict|list|Mapping|Literal)\[", value) is not None
    return ast.unparse(node.value) in ("NDArray", "Literal", "Callable", "ClassVar")

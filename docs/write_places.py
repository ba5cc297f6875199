"""Write what other places want to know about the package, all from pyproject.toml.

CITATION.cff, codemeta.json, the conda recipe and the lowest versions that are promised; and, once
pyproject.toml has the repository's address ([project.urls] Repository), the badges of README.md.

    python docs/write_places.py
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
BADGES = ("<!-- badges: begin -->", "<!-- badges: end -->")
NOTEBOOK = "notebooks/start.ipynb"
#: names on conda-forge, where they are others than on PyPI
CONDA = {"torch": "pytorch", "torch-geometric": "pytorch_geometric", "POT": "pot"}
CONDA |= {"lazy-loader": "lazy_loader", "dask": "dask-core", "graphviz": "python-graphviz"}
#: what conda-forge does not have under a name of its own; pip brings it
BY_PIP = ("pythia8mc",)


def project() -> dict[str, Any]:
    """The table [project] of pyproject.toml."""
    content = tomllib.loads((ROOT / "pyproject.toml").read_text())
    found: dict[str, Any] = content["project"]
    return found


def released() -> str:
    """Day of the newest release that CHANGELOG.md names, or the one that is in CITATION.cff."""
    days = re.findall(r"^## \[[\d.]+\] - (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.M)
    told = re.findall(r"^date-released: '?([\d-]+)", (ROOT / "CITATION.cff").read_text(), re.M)
    return (days or told)[0]


def citation(about: dict[str, Any]) -> str:
    """CITATION.cff, of the format's version 1.2.0."""
    content = {
        "cff-version": "1.2.0",
        "message": "If you use this software, please cite it, and the papers behind what you use"
        ' (docs, "References").',
        "title": about["name"],
        "abstract": f"{about['description']}.",
        "type": "software",
        "license": about["license"],
        "version": about["version"],
        "date-released": released(),
        "authors": [{"name": author["name"]} for author in about["authors"]],
        "keywords": about["keywords"],
    }
    if address := about.get("urls", {}).get("Repository"):
        content["repository-code"] = address
    return yaml.safe_dump(content, sort_keys=False, width=100)


def codemeta(about: dict[str, Any]) -> str:
    """codemeta.json, of the vocabulary's version 3.0."""
    content = {
        "@context": "https://w3id.org/codemeta/3.0",
        "@type": "SoftwareSourceCode",
        "name": about["name"],
        "description": f"{about['description']}.",
        "version": about["version"],
        "dateModified": released(),
        "license": f"https://spdx.org/licenses/{about['license']}",
        "author": [{"@type": "Organization", "name": a["name"]} for a in about["authors"]],
        "keywords": about["keywords"],
        "programmingLanguage": "Python",
        "runtimePlatform": f"Python {about['requires-python']}",
        "operatingSystem": "Linux",
        "developmentStatus": "active",
        "softwareRequirements": about["dependencies"],
    }
    if address := about.get("urls", {}).get("Repository"):
        content["codeRepository"] = address
    return json.dumps(content, indent=2) + "\n"


def lowest(about: dict[str, Any]) -> str:
    """Constraints: the lowest version of everything that the package needs."""
    return "".join(f"{line.replace('>=', '==')}\n" for line in about["dependencies"])


def conda(about: dict[str, Any]) -> str:
    """A recipe for rattler-build and conda-build, of the recipe format's version 1."""
    name, run = about["name"], []
    for line in about["dependencies"]:
        package, sign, version = re.split(r"(>=|==)", line)
        if package not in BY_PIP:
            run.append(f"{CONDA.get(package, package.lower())} {sign}{version}")
    content = {
        "schema_version": 1,
        "package": {"name": name, "version": about["version"]},
        "source": {"path": ".."},
        "build": {
            "number": 0,
            "noarch": "python",
            "script": "python -m pip install . --no-deps --no-build-isolation -vv",
            "python": {"entry_points": [f"{k} = {v}" for k, v in about["scripts"].items()]},
        },
        "requirements": {
            "host": [f"python {about['requires-python']}", "pip", "setuptools >=77"],
            "run": [f"python {about['requires-python']}", *run],
        },
        "tests": [{"script": [f"{name} --help"]}],
        "about": {
            "summary": about["description"],
            "license": about["license"],
            "license_file": about["license-files"],
        },
    }
    by_pip = " ".join(line for line in about["dependencies"] if line.startswith(BY_PIP))
    head = f"# Written by docs/write_places.py. Not on conda-forge, pip adds it: {by_pip}\n"
    return head + yaml.safe_dump(content, sort_keys=False, width=100)


def badges(about: dict[str, Any]) -> str:
    """Badges that open the notebook elsewhere; none before there is an address."""
    address = str(about.get("urls", {}).get("Repository", "")).removesuffix("/")
    if not address.startswith("https://github.com/"):
        return ""
    place = address.removeprefix("https://github.com/")
    binder = f"https://mybinder.org/v2/gh/{place}/HEAD?labpath={NOTEBOOK}"
    colab = f"https://colab.research.google.com/github/{place}/blob/main/{NOTEBOOK}"
    return (
        f"[![Binder](https://mybinder.org/badge_logo.svg)]({binder})\n"
        f"[![Colab](https://colab.research.google.com/assets/colab-badge.svg)]({colab})\n"
    )


def files() -> dict[str, str]:
    """Every file that is written, and its content."""
    about = project()
    before, rest = (ROOT / "README.md").read_text().split(BADGES[0])
    after = rest.split(BADGES[1])[1]
    return {
        "CITATION.cff": citation(about),
        "codemeta.json": codemeta(about),
        "packaging/lowest.txt": lowest(about),
        "packaging/recipe.yaml": conda(about),
        "README.md": f"{before}{BADGES[0]}\n{badges(about)}{BADGES[1]}{after}",
    }


def main() -> None:
    """Write them all."""
    for name, text in files().items():
        (ROOT / name).write_text(text)


if __name__ == "__main__":
    main()

"""What others made lies in the house with its licence, its version and its hash."""

import hashlib
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

STATIC = Path(__file__).resolve().parents[2] / "kiosk" / "static"
LICENCES = {"MIT", "0BSD", "ISC", "OFL-1.1", "Apache-2.0"}
PACKAGES: list[dict[str, Any]] = tomllib.loads((STATIC / "VENDOR.toml").read_text())["package"]
FILES = [(package, file) for package in PACKAGES for file in package["file"]]


@pytest.mark.parametrize(("package", "file"), FILES, ids=lambda value: value.get("name") or value["path"])
def test_each_file_is_the_one_that_was_listed(package: dict[str, Any], file: dict[str, str]) -> None:
    content = (STATIC / package["folder"] / file["path"]).read_bytes()
    assert hashlib.sha256(content).hexdigest() == file["sha256"]


def test_no_file_is_there_unlisted_and_none_is_missing() -> None:
    listed = {f"{package['folder']}/{file['path']}" for package, file in FILES}
    found = {path.relative_to(STATIC).as_posix() for path in STATIC.glob("*/vendor/**/*") if path.is_file()}
    assert found == listed


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package["name"])
def test_each_package_has_a_free_licence_and_its_text(package: dict[str, Any]) -> None:
    assert package["licence"] in LICENCES
    assert any(file["path"].startswith("LICENSE") for file in package["file"])


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package["name"])
def test_the_folder_says_name_and_exact_version(package: dict[str, Any]) -> None:
    name = package["name"].rpartition("/")[2]
    assert package["folder"].endswith(f"/vendor/{name}-{package['version']}")
    assert all(part.isdigit() for part in package["version"].split("."))


def test_the_public_side_holds_one_library_and_no_page_loads_it_at_once() -> None:
    [only] = (STATIC / "public" / "vendor").glob("**/*.js")
    assert only.name == "jsQR.js"
    templates = (STATIC.parent / "templates" / "touchscreen").glob("*.html")
    tags = [tag for page in templates for tag in re.findall(r"<script[^>]*>", page.read_text(encoding="utf-8"))]
    assert tags
    assert not any("vendor" in tag for tag in tags)

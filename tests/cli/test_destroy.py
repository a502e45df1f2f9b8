"""``payments destroy``: output, approval, effect and exit status."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.aep.dataflows.destroying import NAME, PLANS, PROJECT, deletions, existing_ids
from tests.aep.dataflows.files import TEN_LINES, write_files
from tests.cli.conftest import Run
from tests.conftest import Emulator

DIGEST = re.compile(r"^Digest (\w+)$", re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path, connected: Emulator, run: Run) -> Path:
    """A project with two definitions, applied; the default Airflow connection leads to the emulator."""
    folder = write_files(tmp_path / "files", project=PROJECT, products=TEN_LINES, plans=PLANS)
    assert run("apply", folder, "--yes")[0] == 0
    return folder


def without_ids(text: str) -> list[str]:
    return [re.sub(r" \([^)]*\)", "", line) for line in text.splitlines()]


def digest_of(text: str) -> str:
    (found,) = DIGEST.findall(text)
    return str(found)


def test_a_destroy_lists_objects_to_delete_and_to_keep_and_then_deletes(
    run: Run, folder: Path, connected: Emulator
) -> None:
    status, out, _ = run("destroy", folder / "products.yaml", "--yes")
    assert status == 0
    lines = without_ids(out)
    assert lines[:7] == [
        "Sandbox dev, project finance",
        "",
        NAME,
        f"  - dataflow {NAME}",
        f"  - target connection {NAME} - target",
        f"  - source connection {NAME} - source",
        f"    dataset {NAME}",
    ]
    assert lines[7] == "      a dataset is deleted only with `--datasets`, and only without a batch"
    assert f"    schema {NAME}" in lines
    assert "      a mapping set is never deleted: others may use it" in lines
    assert [line for line in lines if line.startswith(("Destroy", "Deleted"))] == [
        "Destroy: 3 to delete, 5 to keep.",
        f"Deleted dataflow {NAME}",
        f"Deleted target connection {NAME} - target",
        f"Deleted source connection {NAME} - source",
        "Destroy: 3 of 3 deleted.",
    ]
    assert [flow["name"] for flow in connected.objects("flows")] == ["Billing plans"]


def test_without_a_terminal_an_option_must_approve(run: Run, folder: Path, connected: Emulator) -> None:
    status, out, err = run("destroy", folder)
    assert (status, "Destroy: 6 to delete, 9 to keep." in out) == (1, True)
    assert "--yes" in err
    assert deletions(connected) == []


def test_only_the_approved_list_is_deleted(run: Run, folder: Path, connected: Emulator) -> None:
    digest = digest_of(run("destroy", folder, "--only", NAME, "--datasets")[1])
    status, _, err = run("destroy", folder, "--only", NAME, "--expect", digest)
    assert (status, "the objects to delete changed after the approval" in err) == (1, True)
    assert deletions(connected) == []
    assert run("destroy", folder, "--only", NAME, "--datasets", "--expect", digest)[0] == 0
    assert [dataset["name"] for dataset in connected.objects("dataSets")] == ["Billing plans"]


def test_a_dataset_that_another_definition_of_the_project_names_is_kept(run: Run, folder: Path) -> None:
    write_files(folder, below__more=PLANS.replace("Billing plans", "More") + f"dataset: {NAME}\n")
    out = run("destroy", folder / "products.yaml", "--datasets")[1]
    assert "      definition 'More' uses it" in out.splitlines()


def test_a_broken_file_of_the_project_ends_a_destroy(run: Run, folder: Path, connected: Emulator) -> None:
    write_files(folder, broken="version: 3")
    status, _, err = run("destroy", folder / "products.yaml", "--yes")
    assert (status, "broken.yaml:1:10: version" in err) == (1, True)
    assert deletions(connected) == []


def test_nothing_to_delete_is_no_error_and_no_question(run: Run, folder: Path) -> None:
    assert run("destroy", folder, "--datasets", "--yes")[0] == 0
    status, out, _ = run("destroy", folder, "--datasets")
    assert status == 0
    assert "Destroy: 0 to delete" in out


@pytest.mark.parametrize("output", ["json", "yaml", "markdown"])
def test_the_output_for_programs_is_the_list_or_the_result(output: str, run: Run, folder: Path) -> None:
    status, out, err = run("destroy", folder, "-o", output)
    assert status == 1
    assert "--yes" in err
    if output == "json":
        assert {each["outcome"] for each in json.loads(out)["removals"]} == {""}
        done = json.loads(run("destroy", folder, "-o", output, "--yes")[1])
        assert {each["outcome"] for each in done["removals"]} == {"deleted", "kept"}
    else:
        assert "| action | kind |" in out if output == "markdown" else "removals:" in out


def test_orphans_are_listed_and_deleted_only_with_their_digest(run: Run, folder: Path, connected: Emulator) -> None:
    (folder / "plans.yaml").unlink()
    status, out, _ = run("destroy", folder, "--orphans")
    assert status == 0
    assert without_ids(out)[2:4] == ["Objects that no definition reaches", "  - dataflow Billing plans"]
    status, _, err = run("destroy", folder, "--orphans", "--yes")
    assert (status, "orphans are deleted only with the digest" in err) == (1, True)
    assert deletions(connected) == []
    assert run("destroy", folder, "--orphans", "--expect", digest_of(out))[0] == 0
    assert [flow["name"] for flow in connected.objects("flows")] == [NAME]


def test_a_plan_after_a_destroy_warns_of_double_ingestion(run: Run, folder: Path, connected: Emulator) -> None:
    connected.advance(3600)
    assert run("destroy", folder, "--yes")[0] == 0
    out = run("plan", folder, "--only", NAME)[1]
    assert "reads all history with its first run; the dataset contains rows, and those of this history" in out


def test_all_objects_of_a_project_without_files_are_orphans(run: Run, folder: Path, connected: Emulator) -> None:
    for file in ("plans.yaml", "products.yaml"):
        (folder / file).unlink()
    status, out, _ = run("destroy", folder, "--orphans")
    assert (status, "Destroy: 6 to delete" in out) == (0, True)
    assert run("destroy", folder, "--orphans", "--expect", digest_of(out))[0] == 0
    assert connected.objects("flows") == []
    assert "there is no definition" in run("destroy", folder)[2]


@pytest.mark.parametrize("words", [["--only", NAME], ["PATH"]])
def test_orphans_require_the_whole_project(words: list[str], run: Run, folder: Path) -> None:
    paths = [folder / "products.yaml"] if words == ["PATH"] else [folder, *words]
    status, _, err = run("destroy", *paths, "--orphans")
    assert (status, "finding orphans requires all definitions" in err) == (1, True)


@pytest.mark.parametrize(("answer", "status"), [("yes", 0), ("y", 1), ("", 1)])
def test_a_user_at_a_terminal_is_asked_for_approval(
    at_terminal: Run, folder: Path, connected: Emulator, answer: str, status: int
) -> None:
    ended, _, err = at_terminal(answer, "destroy", folder)
    assert "Delete 6 objects of sandbox dev? Type `yes` to confirm: " in err
    assert (ended, len(connected.objects("flows"))) == (status, 2 if status else 0)


def test_a_refused_deletion_is_status_1(run: Run, folder: Path, connected: Emulator) -> None:
    refusal = {"type": "x", "title": "No", "detail": "It is in use elsewhere."}
    connected.fail("status", method="DELETE", path="*/flows/*", status=400, body=refusal, times=1)
    status, out, _ = run("destroy", folder / "products.yaml", "--yes")
    assert status == 1
    assert re.search(
        rf"^Kept dataflow {NAME} \([^)]*\): .*It is in use elsewhere.*; it is disabled$", out, re.MULTILINE
    )
    assert out.splitlines()[-1] == "Destroy: 0 of 3 deleted."
    assert len(existing_ids(connected)) == 8


@pytest.mark.parametrize(
    ("extra", "why"), [({"read_only": True}, "read_only is set in the connection"), ({"marks": False}, "marks=False")]
)
def test_a_read_only_or_unmarked_connection_deletes_nothing(
    extra: dict[str, bool], why: str, run: Run, folder: Path, connected: Emulator, connect: Callable[..., None]
) -> None:
    connect(connected.url, **extra)
    status, _, err = run("destroy", folder, "--yes")
    assert (status, why in err) == (1, True)
    assert deletions(connected) == []


def test_without_a_project_file_the_error_names_the_lines_to_write(run: Run, folder: Path) -> None:
    (folder / "project.yaml").unlink()
    status, _, err = run("destroy", folder, "--yes")
    assert (status, "`version: 1` and `project: NAME`" in err) == (1, True)

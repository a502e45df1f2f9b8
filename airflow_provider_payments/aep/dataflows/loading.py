"""Reading and checking definition files: the result is either all definitions or all problems; no request is sent."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_payments.aep.dataflows.consistency import contradictions
from airflow_provider_payments.aep.dataflows.definition import Definition
from airflow_provider_payments.aep.dataflows.layers import Variables, merged
from airflow_provider_payments.aep.dataflows.members import read_value
from airflow_provider_payments.aep.dataflows.problems import DefinitionError, Place, Problem, did_you_mean
from airflow_provider_payments.aep.dataflows.project import (
    DEFAULT_CONN_ID,
    PROJECT_FILE,
    Environment,
    ProjectFile,
    definition_files,
    find_project_file,
    to_version,
)
from airflow_provider_payments.aep.dataflows.yamlfile import MAX_BYTES, Node, Scalar, read_yaml
from airflow_provider_payments.aep.errors import InvalidInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

__all__ = ["Located", "Project", "environments", "load_project", "load_project_file"]

#: Members of a file that are not members of a definition.
_FILE_MEMBERS = ("version", "defaults", "dataflows")


@dataclass(frozen=True)
class Located:
    """
    A definition and its place.

    :param node: the YAML node of the definition, with variables replaced.
    """

    definition: Definition
    node: Node = field(repr=False)

    def place(self, *steps: str) -> Place:
        """Return the place of a member; if the definition does not contain the member, the place of its name."""
        found = self.node.at(*steps) if steps else self.node
        return (self.node.at("name") if found is self.node else found).place


@dataclass(frozen=True)
class Project:
    """
    The definitions of a project in one environment.

    :param name: the project's name, which is the owner in marks; ``None`` without a project file.
    :param environment: the environment's name; ``None`` if the project has no environments.
    :param aep_conn_id: id of the Airflow connection to the sandbox.
    :param is_complete: whether ``definitions`` holds all definitions of the project file's folder.
    :param warnings: members that are allowed but may be a mistake.
    :param defaults: the defaults of the project file, in the form of files.
    """

    definitions: tuple[Located, ...]
    name: str | None = None
    environment: str | None = None
    aep_conn_id: str = DEFAULT_CONN_ID
    is_complete: bool = False
    warnings: tuple[Problem, ...] = ()
    defaults: Mapping[str, Any] = field(default_factory=dict)


def load_project(
    *paths: Path | str,
    environment: str | None = None,
    variables: Mapping[str, Scalar] | None = None,
    only: Iterable[str] = (),
    conn_id: str | None = None,
    top: Path | None = None,
    may_be_empty: bool = False,
) -> Project:
    """
    Read definitions and their project file.

    :param paths: files, and folders, which are searched recursively. Defaults to the working directory.
    :param environment: name of an environment of the project file. Defaults to the only one.
    :param variables: variables that override those of the environment. Defaults to none.
    :param only: names of the definitions to return; the others are checked too. Defaults to all.
    :param conn_id: id of the Airflow connection to the sandbox. Defaults to the environment's.
    :param top: the folder at which the search for the project file ends. Defaults to that of
        :func:`.project.find_project_file`.
    :param may_be_empty: whether a project without definitions is allowed. Defaults to ``False``.
    :raises DefinitionError: with all problems of all files.
    """
    loading = _Loading(environment, dict(variables or {}), top, may_be_empty)
    return loading.load([Path(path) for path in paths or (".",)], list(only), conn_id)


def load_project_file(path: Path, *, environment: str | None = None, conn_id: str | None = None) -> Project:
    """
    Read the project file of a folder, without definitions. Without a project file the project is empty.

    :param path: the folder, which need not exist.
    :param environment: name of an environment of the project file. Defaults to the only one; not required with
        ``conn_id``.
    :param conn_id: id of the Airflow connection to the sandbox. Defaults to the environment's.
    :raises DefinitionError: with all problems of the file.
    """
    return _Loading(environment, {}, None).load_file(path, conn_id)


def environments(*paths: Path | str, top: Path | None = None) -> list[str]:
    """
    Return the names of the environments in the project file of some paths; an unreadable file has none.

    :param paths: files and folders; the first one decides the project file. Defaults to the working directory.
    :param top: the folder at which the search for the project file ends.
    """
    file = find_project_file(Path(paths[0] if paths else "."), top)
    node = _read(file, []) if file else None
    return list(node.at("environments").members) if node and "environments" in node.members else []


def _includes_project(paths: Iterable[Path], file: Path | None) -> bool:
    """Return whether one of the paths is a project file or its folder."""
    # Other files cannot match; leaving them out avoids resolving their paths.
    paths = [path for path in paths if path.suffix not in (".yaml", ".yml") or path.name == PROJECT_FILE]
    return file is not None and any(path.resolve() in (file.resolve(), file.parent.resolve()) for path in paths)


def _read(file: Path, problems: list[Problem]) -> Node | None:
    source = _read_bytes(file, problems)
    return None if source is None else read_yaml(source, str(file), problems)


def _read_bytes(file: Path, problems: list[Problem]) -> bytes | None:
    try:
        with file.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except OSError as error:
        problems.append(Problem(Place(str(file)), "", f"it cannot be read: {error.strerror}"))
        return None


@lru_cache(maxsize=16)
def _project_of(source: bytes, file: str) -> tuple[Node | None, ProjectFile | None, tuple[Problem, ...]]:
    """
    Return the node of a project file, its value, and its problems.

    The result is cached, because a DAG file with many task groups of one project reads the project file for each group.
    """
    problems: list[Problem] = []
    node = read_yaml(source, file, problems)
    project = read_value(ProjectFile, node, problems) if node else None
    return node, project, tuple(problems)


class _Loading:
    def __init__(
        self, environment: str | None, variables: Mapping[str, Scalar], top: Path | None, may_be_empty: bool = False
    ) -> None:
        self.environment, self.top, self.may_be_empty = environment, top, may_be_empty
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.defaults: Node | None = None
        self.variables = Variables(variables)

    def load_file(self, path: Path, conn_id: str | None) -> Project:
        file = find_project_file(path, self.top)
        project = self._read_project(file) if file else None
        environment_values = None if conn_id and not self.environment else self._environment(project, file)
        if self.problems:
            raise DefinitionError(self.problems)
        return Project(
            definitions=(),
            name=project.project if project else None,
            environment=self.environment,
            aep_conn_id=conn_id or (environment_values or Environment()).aep_conn_id,
            defaults=project.defaults if project else {},
        )

    def load(self, paths: list[Path], only: list[str], conn_id: str | None) -> Project:
        file = self._project_file(paths)
        project = self._read_project(file) if file else None
        environment_values = self._environment(project, file)
        if self.problems and (project is None or environment_values is None):
            # Without defaults and variables the definitions would have further problems that are not theirs.
            raise DefinitionError(self.problems)
        environment_values = environment_values or Environment()
        self.variables = Variables({**environment_values.variables, **self.variables.values}, self.environment)
        located = [found for path in definition_files(paths) for found in self._definitions(path, project)]
        self.problems += contradictions([(each.definition, each.node) for each in located])
        selected = self._selected(located, only, paths)
        if self.problems:
            raise DefinitionError(self.problems)
        return Project(
            definitions=tuple(selected),
            name=project.project if project else None,
            environment=self.environment,
            aep_conn_id=conn_id or environment_values.aep_conn_id,
            is_complete=not only and _includes_project(paths, file),
            warnings=tuple(dict.fromkeys(self.warnings)),
            defaults=project.defaults if project else {},
        )

    # ---- the project file ------------------------------------------------------------------------------------------

    def _project_file(self, paths: list[Path]) -> Path | None:
        if len(paths) == 1:
            return find_project_file(paths[0], self.top)
        found = {(file.resolve() if file else None): file for file in (find_project_file(p, self.top) for p in paths)}
        if len(found) > 1:
            known = ", ".join(sorted(str(file) for file in found.values() if file))
            self.problems.append(Problem(Place(str(paths[0])), "", f"the paths belong to several projects: {known}"))
        return next(iter(found.values()))

    def _read_project(self, file: Path) -> ProjectFile | None:
        source = _read_bytes(file, self.problems)
        if source is None:
            return None
        node, project, problems = _project_of(source, str(file))
        self.problems += problems
        self.defaults = node.members.get("defaults") if node else None
        return project

    def _environment(self, project: ProjectFile | None, file: Path | None) -> Environment | None:
        known = project.environments if project else {}
        if self.environment is None and len(known) == 1:
            (self.environment,) = known
        environment_values = known.get(self.environment or "")
        if environment_values is None and (known or (self.environment and not self.problems)):
            names = ", ".join(known) or "none"
            unknown = f"there is no environment '{self.environment}'{did_you_mean(self.environment or '', known)} "
            allowed = f"{unknown if self.environment else 'choose an environment '}(known: {names})"
            if file is None:
                allowed = f"{unknown.strip()}: there is no {PROJECT_FILE} here or above, up to the folder of .git"
            self.problems.append(Problem(Place(str(file or ".")), "environments", allowed))
        return environment_values

    # ---- definitions -----------------------------------------------------------------------------------------------

    def _definitions(self, file: Path, project: ProjectFile | None) -> Iterator[Located]:
        root = _read(file, self.problems)
        if root is None:
            return
        if not isinstance(root.value, dict):
            self.problems.append(
                Problem(root.place, "", "it must be an object: a definition, or several in `dataflows`")
            )
            return
        self._check_version(root)
        if "dataflows" in root.members:
            self._check_members(root)
            defaults, entries = root.members.get("defaults"), root.members["dataflows"]
            if not isinstance(entries.value, list):
                self.problems.append(Problem(entries.place, "dataflows", "it must be a list of definitions"))
                return
            for at, entry in enumerate(entries.value):
                layers = merged(merged(self.defaults, defaults) if defaults else self.defaults, entry)
                yield from self._definition(layers, ("dataflows", str(at)), project)
        else:
            alone = replace(root, value={name: node for name, node in root.value.items() if name != "version"})
            yield from self._definition(merged(self.defaults, alone), (), project)

    def _definition(self, node: Node, path: tuple[str, ...], project: ProjectFile | None) -> Iterator[Located]:
        written = node.at("id")
        fixed = isinstance(written.value, str) and "${var." not in written.value
        if fixed and project and len(project.environments) > 1:
            allowed = "an id is valid in one sandbox only: use a variable, because there are several environments"
            self.warnings.append(Problem(written.place, ".".join((*path, "id")), allowed))
        problems: list[Problem] = []
        filled = self.variables.fill(node, problems, path)
        # A definition with a missing variable would give problems that only follow from it.
        definition = None if problems else read_value(Definition, filled, problems, path)
        self.problems += problems
        if definition:
            yield Located(definition, filled)

    def _check_version(self, root: Node) -> None:
        version = root.at("version")
        try:
            to_version(None if version is root else version.value)
        except InvalidInputError as error:
            self.problems.append(Problem(version.place, "version", error.allowed))

    def _check_members(self, root: Node) -> None:
        for name, node in root.members.items():
            if name not in _FILE_MEMBERS:
                allowed = f"there is no such member besides `dataflows`{did_you_mean(name, _FILE_MEMBERS)}"
                self.problems.append(Problem(node.key or node.place, name, allowed))

    def _selected(self, located: list[Located], only: list[str], paths: list[Path]) -> list[Located]:
        by_name = {each.definition.name: each for each in located}
        if not self.problems:
            for name in only:
                if name not in by_name:
                    allowed = f"there is no definition '{name}'{did_you_mean(name, by_name)}"
                    self.problems.append(Problem(Place(str(paths[0])), "", allowed))
            if not located and not self.may_be_empty:
                self.problems.append(Problem(Place(str(paths[0])), "", "there is no definition (*.yaml, *.yml)"))
        return [each for each in located if not only or each.definition.name in only]

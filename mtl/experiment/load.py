"""Loads the files under `config/` into a checked experiment, the one object that the rules query."""

from dataclasses import dataclass
from pathlib import Path

from mtl.experiment.dataset_rules import check_datasets
from mtl.experiment.feasible import check_class_lists, check_feasible
from mtl.experiment.folders import check_own_folders, check_places
from mtl.experiment.grid import Grid
from mtl.experiment.inventory import Inventory
from mtl.experiment.jobs import Jobs
from mtl.experiment.layers import Layers, check_layers
from mtl.experiment.method_rules import check_methods
from mtl.experiment.names import NameChecks
from mtl.experiment.page_plan import PagePlan
from mtl.experiment.paper_protocol import PaperProtocol
from mtl.experiment.project import Content, Project, extended, packaged, read_yaml
from mtl.experiment.reports import Reports, with_curves
from mtl.experiment.surveys import Surveys
from mtl.experiment.variant_reports import VariantReports
from mtl.experiment.variants import DECISIONS, variants_of
from mtl.specs.checking import checked
from mtl.specs.claims import Claims
from mtl.specs.config import Config
from mtl.specs.datasets import DatasetFile
from mtl.specs.decisions import Decisions
from mtl.specs.methods import MethodFile
from mtl.specs.published_protocol import Protocol
from mtl.specs.tables_and_figures import Tables

CONFIG = "config/config.yaml"
PROTOCOL = "published/protocol"
OTHERS = ("methods", "datasets", "tables", "claims", "decisions", PROTOCOL)


@dataclass(frozen=True)
class Experiment:
    """Everything that the rules query.

    Attributes:
        project: where its files are.
        grid: its cells, and the settings of each.
        jobs: specs and needs of the jobs.
        reports: what tables, claims and figures show.
        variant_reports: the same of the tables of decisions and of rates.
        surveys: the same of surveys.
        inventory: which files exist, and what the manifest lists.
        page: what the page of the experiment shows.
    """

    project: Project
    grid: Grid
    jobs: Jobs
    reports: Reports
    variant_reports: VariantReports
    surveys: Surveys
    inventory: Inventory
    page: PagePlan


def load(content: Content, folder: Path = Path(), layers: Layers | None = None) -> Experiment:
    """The experiment that a config describes.

    Args:
        content: the content of the config. Keys it leaves out are as in the packaged `config/config.yaml`.
        folder: the project, whose `config/` holds the other files that differ from the packaged ones.
        layers: what `content` was made of, by default the project's own file.

    Raises:
        UserError: a file cannot be read, or something in it is wrong.
    """
    project = Project(folder)
    layers = layers or {CONFIG: content}
    default = read_yaml(packaged(CONFIG))
    check_layers(layers, content)
    check_own_folders(layers, default)
    others = {name: project.read(f"config/{name}.yaml") for name in OTHERS}
    experiment = checked_experiment(project, extended(default, content), others, " + ".join(layers))
    check_class_lists(experiment.grid, project)
    places = vars(experiment.grid.config.pathvars).values()
    check_places(folder / place for place in ("results", "resources", *places))
    return experiment


def checked_experiment(project: Project, content: Content, others: dict[str, Content], source: str) -> Experiment:
    """Checks the contents of all files and builds the experiment.

    Args:
        project: where the files are.
        content: the content of the config.
        others: the contents of the other files, by name.
        source: the name of the config in errors; it may come from several files.

    Raises:
        UserError: something is misspelt, of the wrong type, unknown or impossible.
    """
    config = checked(Config, content, source)
    methods = checked(MethodFile, others["methods"], "config/methods.yaml")
    datasets = checked(DatasetFile, others["datasets"], "config/datasets.yaml")
    tables = checked(Tables, others["tables"], "config/tables.yaml")
    claims = checked(Claims, others["claims"], "config/claims.yaml").claims
    protocol = checked(Protocol, others[PROTOCOL], f"config/{PROTOCOL}.yaml")
    made_with = others[PROTOCOL]["made_with"]
    check_methods(methods)
    check_datasets(datasets)
    names = NameChecks(methods, datasets)
    names.check_config(config, content, source)
    names.check_tables(tables)
    names.check_protocol(protocol, made_with)
    names.check_claims(claims)
    decisions = checked(Decisions, others["decisions"], DECISIONS)
    variants = variants_of(methods, decisions, others["decisions"], config.rates)
    grid = Grid(content, config, methods, datasets, variants)
    curves = with_curves(tables, grid)
    check_feasible(grid, curves, source)
    jobs = Jobs(grid, project, curves)
    reports = Reports(grid, jobs, tables, PaperProtocol(grid, project, protocol, made_with), claims)
    variant_reports = VariantReports(grid, jobs, reports, decisions)
    surveys = Surveys(grid, reports, tables)
    inventory = Inventory(grid, reports)
    page = PagePlan(grid, reports, surveys, inventory, curves)
    return Experiment(project, grid, jobs, reports, variant_reports, surveys, inventory, page)

"""Every command that the documentation shows is run, or checked as far as it can be without what it needs.

The commands of a page are run in their order, in a small project that has been run to the end, among the files that the
page shows.
"""

import re
import shlex
import shutil
import subprocess
import tomllib

import pytest
import yaml

from tests.helpers.learners import ROOT
from tests.helpers.pages import PAGES, blocks, commands, files, write_file
from tests.helpers.project import run

# Another test runs all commands of these pages, or no reader types them.
ELSEWHERE = {
    "docs/extending.md": "tests/workflow/test_extending.py",
    "docs/cli.md": "tests/test_references.py: what `typer` says about `mtl`",
}


def runs(command, project):
    """Runs it."""
    code, output = run(project, command)
    assert code == 0, output
    return output


def plans(command, project):
    """Plans it: Snakemake checks options, targets and configs, but runs no job."""
    assert re.search("Job stats:|Nothing to be done", runs(f"{command} --dry-run", project))


def plans_without_its_executor(command, project):
    """Plans it where the executor's plugin is not installed, with everything else that the profile says."""
    (profile,) = (project / "profiles/slurm").glob("*.yaml")
    profile.write_text(re.sub(r"^(executor:|slurm-).*\n", "", profile.read_text(), flags=re.MULTILINE))
    plans(command.removesuffix(" --dry-run"), project)


def plans_what_it_wraps(command, project):
    """The job that it submits is a command of Snakemake."""
    plans_without_its_executor(shlex.split(command)[-1], project)


def is_of_the_cluster(command, project):
    """It shows something, where there is a SLURM; its options are those of version 22.05."""
    assert command in ("sinfo", "squeue --me")


def belongs_to_the_image(command, project):
    """It makes or packs the image; `tests/container/run` builds it where there is an engine."""
    assert command in (
        "docker build --tag mtl .",
        "docker save mtl --output mtl.tar",
        "apptainer build mtl.sif docker-archive:mtl.tar",
    )
    assert (ROOT / "Dockerfile").is_file()


def plans_what_the_image_runs(command, project):
    """The last words are a command of Snakemake, after the name of the image."""
    plans(command.partition(" mtl ")[2], project)


def plans_outside_its_image(command, project):
    """Plans it without the options that want Apptainer to be there."""
    options = ' --sdm apptainer --apptainer-args "--env PYTHONPATH=$PWD"'
    assert options in command
    plans_without_its_executor(command.replace(options, ""), project)


def is_understood(command, project):
    """`mtl` knows the subcommand and its options: it ends with 2 if not."""
    code, output = run(project, command)
    assert code != 2, output


def is_a_target(command, project):
    """`make` prints what it would do."""
    subprocess.run([*shlex.split(command), "--dry-run"], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)


def names_the_environment(command, project):
    """`make install` makes it there."""
    makefile = (ROOT / "Makefile").read_text()
    assert command == f"source {re.search('^VENV := (.*)$', makefile, re.MULTILINE)[1]}/bin/activate"


def names_the_session(command, project):
    """The page comes back to it by name."""
    assert f"`tmux attach -t {shlex.split(command)[-1]}`" in (ROOT / "docs/cluster.md").read_text(encoding="utf-8")


def names_the_extras(command, project):
    """It locks all of them, for the lowest version of Python."""
    about = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert set(re.findall(r"--extra (\w+)", command)) == set(about["optional-dependencies"])
    assert re.search(r"--python-version (\S+)", command)[1] in about["requires-python"]
    assert (ROOT / command.split()[-1]).is_file()


# How a command is checked: the first pattern that fits all of it decides. One that none fits fails.
KINDS = {
    r"make .*": is_a_target,
    r"source .*": names_the_environment,
    r"tmux new-session .*": names_the_session,
    # It needs the network.
    r"uv pip compile .*": names_the_extras,
    # They need images that are not here, a cluster, or more time than a test has.
    r"snakemake .*data=FOLDER.*": plans,
    r"(sinfo|squeue.*)": is_of_the_cluster,
    r"sbatch .* --wrap .*": plans_what_it_wraps,
    r"docker run .*": plans_what_the_image_runs,
    r"(docker|apptainer) .*": belongs_to_the_image,
    r"snakemake .*--sdm apptainer.*": plans_outside_its_image,
    r"snakemake .*profiles/slurm.*": plans_without_its_executor,
    r"snakemake .*(decisions\.csv|(survey|transformer|my-experiment)\.yaml).*": plans,
    r"mtl verify results/slow .*": is_understood,
    # Everything else.
    r"(snakemake|mtl|cat|echo|grep|head|tail|sort|ls|sha256sum|rm) .*": runs,
}


def kind(command):
    """How a command is checked."""
    return next((check for pattern, check in KINDS.items() if re.fullmatch(pattern, command)), None)


def make_archives(folder):
    """What a plan wants to find in the folder of images: names."""
    for number in range(100):
        (folder / f"birds/class{number}").mkdir(parents=True)
        for image in range(50):
            (folder / f"birds/class{number}/{image}.jpg").touch()
    for name in ("miniimagenet.tar", "FC100_train.pickle", "FC100_val.pickle", "FC100_test.pickle"):
        (folder / name).touch()


def shown():
    """Every command, with its page."""
    for page in PAGES:
        name = str(page.relative_to(ROOT))
        for block in blocks(page.read_text(encoding="utf-8")):
            if block.language == "console" and name not in ELSEWHERE:
                yield from (pytest.param(name, command, id=f"{name}: {command}") for command in commands(block.text))


@pytest.fixture(scope="module")
def places(finished, tmp_path_factory):
    """A project for each page, with the files that the page shows, made when it is asked for."""
    made = {}

    def place(page):
        if page not in made:
            made[page] = shutil.copytree(finished, tmp_path_factory.mktemp("page") / "project", symlinks=True)
            shutil.copytree(ROOT / "docs", made[page] / "docs")
            text = (ROOT / page).read_text(encoding="utf-8")
            if "FOLDER" in text:
                make_archives(made[page] / "FOLDER")
            for block in files(blocks(text)):
                write_file(block, made[page])
        return made[page]

    return place


@pytest.mark.parametrize(("page", "command"), [*shown()])
def test_a_command_does_what_it_says(places, page, command):
    check = kind(command)
    assert check, f"{page} shows a command that no pattern of KINDS fits: {command}"
    check(command, places(page))


@pytest.mark.parametrize("pattern", KINDS)
def test_no_pattern_is_left_over(pattern):
    assert any(re.fullmatch(pattern, command.values[1]) for command in shown())


@pytest.mark.parametrize(
    "command",
    [
        "squeue --mine",
        'sbatch --time 5 --wrap "snakemake --workflow-profile profiles/slurm results/table7.csv"',
        "snakemake --cores 2 results/table7.csv",
        "snakemake --coers 2 results/table1.csv",
        "snakemake --cores 2 --configfile missing.yaml",
        "snakemake --cores 8 --configfile config/paper.yaml --config dta=FOLDER data=FOLDER",
        "snakemake --workflow-profile profiles/slurm --jobz 3 results/table1.csv",
        "mtl explain results/glyphs/resnet12/seed0/ss-nothing/5way-1shot",
        "mtl verify results/slow --config-file my-experiment.yaml",
    ],
)
def test_a_misspelt_command_fails(places, command):
    with pytest.raises(AssertionError):
        kind(command)(command, places("docs/running.md"))


def test_a_target_that_make_does_not_have_fails():
    with pytest.raises(subprocess.CalledProcessError):
        is_a_target("make everything", None)


def test_yaml_blocks_are_yaml():
    for page in PAGES:
        for block in blocks(page.read_text(encoding="utf-8")):
            assert block.language != "yaml" or yaml.safe_load(block.text), page


def test_the_module_of_the_page_is_the_one_that_is_tested():
    page = (ROOT / "docs/running.md").read_text(encoding="utf-8")
    (shown_there,) = (block.text for block in files(blocks(page)) if block.file.endswith("Snakefile"))
    tested = (ROOT / ".test/Snakefile").read_text()
    assert [line for line in shown_there.split() if line not in tested.split()] == []

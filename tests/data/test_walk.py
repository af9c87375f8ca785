"""Trees as people arrange them: links, loops, hidden files."""

import os

from mtl.data.archives.members import walk


def names(root):
    return [str(path.relative_to(root)) for path in walk(root)]


def test_linked_folders_and_files_are_followed(tmp_path):
    (tmp_path / "elsewhere/robin").mkdir(parents=True)
    (tmp_path / "elsewhere/robin/1.jpg").touch()
    tree = tmp_path / "tree"
    (tree / "train").mkdir(parents=True)
    (tree / "train/robin").symlink_to(tmp_path / "elsewhere/robin")
    (tree / "val").symlink_to(tmp_path / "elsewhere")
    (tree / "one.jpg").symlink_to(tmp_path / "elsewhere/robin/1.jpg")
    (tree / "gone.jpg").symlink_to(tmp_path / "nowhere")
    (tree / ".hidden").mkdir()
    (tree / ".hidden/2.jpg").touch()
    assert names(tree) == ["one.jpg", "train/robin/1.jpg", "val/robin/1.jpg"]


def test_loops_end(tmp_path):
    (tmp_path / "a/b").mkdir(parents=True)
    (tmp_path / "a/1.jpg").touch()
    (tmp_path / "a/b/up").symlink_to(tmp_path / "a")
    (tmp_path / "a/b/self").symlink_to(tmp_path / "a/b/self")
    assert names(tmp_path) == ["a/1.jpg"]


def test_a_closed_folder_is_said(tmp_path, monkeypatch, capsys):
    (tmp_path / "closed").mkdir()
    (tmp_path / "1.jpg").touch()
    listed = os.scandir

    def closed(path):
        if path.name == "closed":
            raise PermissionError(13, "Permission denied", str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", closed)
    assert names(tmp_path) == ["1.jpg"]
    assert "closed: may not be read; its files are left out" in capsys.readouterr().err

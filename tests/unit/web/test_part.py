from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.web.serving import certificate, pages

from rabbitwatch.config.change import apply
from rabbitwatch.config.loading import Loaded, load
from rabbitwatch.errors import ConfigError
from rabbitwatch.web.part import WebPart
from rabbitwatch.web.server import Entrance

TLS = "tls_server_config: {cert_file: server.pem, key_file: server.key}"


def loaded(folder: Path, config: str = "web: {config_file: web.yml}") -> Loaded:
    (folder / "c.yml").write_text(config)
    return load(folder / "c.yml", environment={})


def part(folder: Path, config: str = "web: {config_file: web.yml}") -> tuple[WebPart, list[Entrance]]:
    replaced: list[Entrance] = []
    return WebPart(pages(), loaded(folder, config), replaced.append), replaced


def test_where_it_listens_cannot_change_and_it_says_so(tmp_path: Path) -> None:
    web, replaced = part(tmp_path, "web: {listen: ':1'}")
    with pytest.raises(ConfigError, match=r"^web\.listen cannot change at a reload, from :1 to :2: restart"):
        apply(loaded(tmp_path, "web: {listen: ':2'}"), [web.prepare])
    assert replaced == []


def test_a_reload_replaces_the_entrance_only_when_something_changed(tmp_path: Path) -> None:
    certificate(tmp_path, "server")
    (tmp_path / "web.yml").write_text(TLS)
    web, replaced = part(tmp_path)
    apply(loaded(tmp_path), [web.prepare])
    assert replaced == []
    certificate(tmp_path, "server")
    apply(loaded(tmp_path), [web.prepare])
    assert len(replaced) == 1
    apply(loaded(tmp_path, ""), [web.prepare])
    assert replaced[1].tls is None


def test_a_reload_with_a_certificate_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    certificate(tmp_path, "server")
    (tmp_path / "web.yml").write_text(TLS)
    web, replaced = part(tmp_path)
    (tmp_path / "server.pem").write_text("nonsense")
    with pytest.raises(ConfigError, match=r"server\.pem: cannot be used for TLS"):
        apply(loaded(tmp_path), [web.prepare])
    assert replaced == []


def test_a_change_on_disk_is_taken_over_once_and_a_bad_one_not_at_all(tmp_path: Path) -> None:
    certificate(tmp_path, "server")
    (tmp_path / "web.yml").write_text(TLS)
    web, replaced = part(tmp_path)
    web.look()
    assert replaced == []
    (tmp_path / "web.yml").write_text(TLS + "\nnonsense: 1")
    web.look()
    assert replaced == []
    (tmp_path / "web.yml").write_text(TLS + "\nhttp_server_config: {headers: {X-Frame-Options: sameorigin}}")
    web.look()
    web.look()
    assert len(replaced) == 1


def test_a_certificate_behind_a_link_that_is_pointed_elsewhere_is_noticed(tmp_path: Path) -> None:
    for version in ("v1", "v2"):
        (tmp_path / version).mkdir()
        certificate(tmp_path / version, "server")
    (tmp_path / "now").symlink_to("v1")
    (tmp_path / "web.yml").write_text("tls_server_config: {cert_file: now/server.pem, key_file: now/server.key}")
    web, replaced = part(tmp_path)
    (tmp_path / "now").unlink()
    (tmp_path / "now").symlink_to("v2")
    web.look()
    assert len(replaced) == 1


def test_without_a_web_configuration_there_is_nothing_to_look_at(tmp_path: Path) -> None:
    web, replaced = part(tmp_path, "")
    web.look()
    assert replaced == []

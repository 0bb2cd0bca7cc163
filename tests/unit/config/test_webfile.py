from __future__ import annotations

from pathlib import Path

import pytest

from rabbitwatch.config.loading import load, summary
from rabbitwatch.config.webfile import read_web_file
from rabbitwatch.errors import ConfigFileError

HASH = "$2y$10$mDwo.lAisC94iLAyP81MCesa29IzH37oigHC/42V2pdJlUprsJPze"
PAIR = "cert_file: c, key_file: k"


def complaints(tmp_path: Path, text: str) -> list[str]:
    file = tmp_path / "web.yml"
    file.write_text(text)
    with pytest.raises(ConfigFileError) as caught:
        read_web_file(file)
    return [line.removeprefix(f"{file}:") for line in str(caught.value).splitlines()]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("tls_config: {}", "1:1: unknown key 'tls_config', did you mean 'tls_server_config'?"),
        ("tls_server_config: {cert_file: c}", "1:20: tls_server_config: lacks the key 'key_file'"),
        (f"tls_server_config: {{{PAIR}, min_version: TLS11}}", "TLS11 is switched off in today's OpenSSL"),
        (f"tls_server_config: {{{PAIR}, min_version: TLS14}}", "must be 'TLS10', 'TLS11', 'TLS12' or 'TLS13'"),
        (f"tls_server_config: {{{PAIR}, min_version: TLS13, max_version: TLS12}}", "min_version: is above max_version"),
        (f"tls_server_config: {{{PAIR}, cipher_suites: [RC4]}}", "cipher_suites: unknown cipher suite 'RC4'; known:"),
        (f"tls_server_config: {{{PAIR}, curve_preferences: [X]}}", "curve_preferences: unknown curve 'X'; known:"),
        (f"tls_server_config: {{{PAIR}, curve_preferences: [X25519, CurveP256]}}", "can be held to one curve only"),
        (f"tls_server_config: {{{PAIR}, client_auth_type: RequestClientCert}}", "takes certificates unverified"),
        (f"tls_server_config: {{{PAIR}, client_auth_type: Sometimes}}", "client_auth_type: must be 'NoClientCert'"),
        (f"tls_server_config: {{{PAIR}, client_auth_type: RequireAndVerifyClientCert}}", "needs client_ca_file beside"),
        (f"tls_server_config: {{{PAIR}, client_ca_file: ca}}", "client_ca_file: needs client_auth_type"),
        (f"tls_server_config: {{{PAIR}, client_allowed_sans: [a]}}", "client_allowed_sans: needs client_auth_type"),
        (f"tls_server_config: {{{PAIR}, key: PEM}}", "tls_server_config.key: cannot be given inline here"),
        ("http_server_config: {headers: {X-Powered-By: me}}", "http_server_config.headers: unknown key 'X-Powered-By'"),
        (
            "http_server_config: {headers: {X-Frame-Options: allow}}",
            "must be '', 'deny' or 'sameorigin'",
        ),
        ('http_server_config: {headers: {X-XSS-Protection: "1\\nSet-Cookie: a"}}', "must be one line of ASCII"),
        ("basic_auth_users: {alice: s3cret}", "1:27: basic_auth_users.alice: is no bcrypt hash"),
        (f"basic_auth_users: {{alice: '{HASH[:-1]}'}}", "1:27: basic_auth_users.alice: is no bcrypt hash"),
        (f"basic_auth_users: {{'a:b': '{HASH}'}}", "1:27: basic_auth_users.a:b: a user's name cannot hold a colon"),
        ("rate_limit: {interval: 1s, burst: -1}", "1:35: rate_limit.burst: must be at least 0"),
    ],
)
def test_what_cannot_be_honoured_is_refused_with_its_place(tmp_path: Path, text: str, complaint: str) -> None:
    (found,) = complaints(tmp_path, text)
    assert complaint in found
    assert "s3cret" not in found


def test_the_toolkits_own_example_is_read(tmp_path: Path) -> None:
    text = f"""
    tls_server_config: {{cert_file: server.crt, key_file: server.key}}
    basic_auth_users: {{alice: {HASH}, bob: {HASH}}}
    rate_limit: {{interval: "1s", burst: 20}}
    """
    (tmp_path / "web.yml").write_text(text)
    web = read_web_file(tmp_path / "web.yml")
    assert web.certificate_files == (tmp_path / "server.crt", tmp_path / "server.key")
    assert web.rate_limit.interval == 1.0
    assert HASH not in repr(web)


def test_dollars_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "web.yml").write_text(f"basic_auth_users: {{alice: {HASH}}}")
    assert read_web_file(tmp_path / "web.yml").basic_auth_users["alice"].get_secret_value() == HASH


def test_it_is_loaded_with_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "web.yml").write_text(f"basic_auth_users: {{alice: {HASH}}}\nhttp_server_config: {{http2: true}}")
    (tmp_path / "c.yml").write_text("web: {config_file: web.yml}")
    loaded = load(tmp_path / "c.yml")
    assert HASH in loaded.secrets
    assert summary(loaded).endswith("serves http on 0.0.0.0:9419 for 1 user")
    assert [warning.partition(":")[0] for warning in loaded.warnings] == ["http_server_config.http2"]
    (tmp_path / "web.yml").write_text("nonsense: 1")
    with pytest.raises(ConfigFileError, match=r"web\.yml:1:1: unknown key 'nonsense'"):
        load(tmp_path / "c.yml")

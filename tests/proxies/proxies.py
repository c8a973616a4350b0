"""nginx and HAProxy as they often stand before a gateway: below a prefix that they take away, with compression of their own."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeAlias

import httpx

from tests.connecting import PATIENCE, free_port

PREFIX: Final = "/crm"
#: Daemons are where a user's search path often doesn't lead.
PATH: Final = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])

NGINX: Final = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr;
events {{ worker_connections 128; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
  gzip on; gzip_min_length 100; gzip_proxied any; gzip_types application/json application/graphql-response+json text/event-stream;
  server {{
    listen 127.0.0.1:{port};
    proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_set_header X-Forwarded-Host $host;
    proxy_set_header X-Forwarded-Port $server_port;
    proxy_set_header X-Forwarded-Prefix {prefix};
    {more}
    location {prefix}/ {{ proxy_pass http://{gateway}/; }}
  }}
}}
"""
#: As its documentation says for WebSockets.
CURRENT: Final = "proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;"
#: Then it is nginx that compresses.
OFFLOADED: Final = 'proxy_set_header Accept-Encoding "";'
HAPROXY: Final = """
defaults
  mode http
  timeout connect 10s
  timeout client 60s
  timeout server 60s
  timeout tunnel 60s
frontend front
  bind 127.0.0.1:{port}
  filter compression
  compression algo gzip
  compression type application/json application/graphql-response+json
  {more}
  option forwardfor
  http-request set-header X-Forwarded-Proto http
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Forwarded-Prefix {prefix}
  http-request replace-path {prefix}/(.*) /\\1
  default_backend back
backend back
  server gateway {gateway}
"""

Configured: TypeAlias = Callable[[Path, str, int], list[str]]


def _configured(program: str, name: str, template: str, more: str, *options: str) -> Configured:
    """What starts `program`, by its configuration."""

    def configure(folder: Path, gateway: str, port: int) -> list[str]:
        file = folder / name
        file.write_text(template.format(folder=folder, gateway=gateway, port=port, prefix=PREFIX, more=more))
        return [program, *(option.format(file=file, folder=folder) for option in options)]

    return configure


def _nginx(more: str) -> Configured:
    return _configured("nginx", "nginx.conf", NGINX, more, "-p", "{folder}", "-e", "stderr", "-c", "{file}")


def _haproxy(more: str) -> Configured:
    return _configured("haproxy", "haproxy.cfg", HAPROXY, more, "-db", "-f", "{file}")


#: By name: what compresses, and with nginx's default of HTTP/1.0 between it and the gateway.
PROXIES: Final = {
    "nginx": _nginx(CURRENT + OFFLOADED),
    "nginx passing": _nginx(CURRENT),
    "nginx by 1.0": _nginx(OFFLOADED),
    "haproxy": _haproxy("compression offload"),
    "haproxy passing": _haproxy(""),
}


def missing(name: str) -> str | None:
    """The program of this proxy, if the machine lacks it."""
    program = name.partition(" ")[0]
    return None if shutil.which(program, path=PATH) else program


@contextmanager
def proxy(name: str, folder: Path, gateway: str) -> Iterator[str]:
    """A proxy before the gateway at `host:port`; the address below which it is found there. Raises RuntimeError with what it printed."""
    port = free_port()
    command = PROXIES[name](folder, gateway, port)
    log = folder / "proxy.txt"
    with (
        log.open("wb") as sink,
        subprocess.Popen(command, cwd=folder, env={**os.environ, "PATH": PATH}, stdout=sink, stderr=sink) as process,
    ):
        try:
            _wait(process, f"http://127.0.0.1:{port}{PREFIX}/healthz", log)
            yield f"127.0.0.1:{port}{PREFIX}"
        finally:
            process.kill()


def _wait(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while process.poll() is None and time.monotonic() < until:
        try:
            httpx.get(url, timeout=PATIENCE)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(log.read_text("utf-8"))

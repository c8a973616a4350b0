"""deploy/litestream.yml as it stands: SQLite's file is copied under writes, and made again, whole."""

import asyncio
import shutil
import sqlite3
from pathlib import Path

import httpx

from tests.connecting import PATIENCE
from tests.deploy.test_linted import HERE
from tests.deploy.tools import run, running, substituted
from tests.end_to_end.fleet import access, serving
from tests.environments import programs_of

WRITES = 100


def _accounts(path: Path) -> int:
    raw = sqlite3.connect(path)
    (found,) = raw.execute("SELECT count(*) FROM account").fetchone()
    raw.close()
    return int(found)


async def test_a_copy_is_whole(sqlite_template: Path, tmp_path: Path) -> None:
    """What was acknowledged while Litestream ran is in the file that it makes, which is in order."""
    litestream = programs_of(HERE / "requirements.lock", HERE / ".venv-deploy") / "litestream"
    path, copy = tmp_path / "gateway.db", tmp_path / "restored.db"
    shutil.copyfile(sqlite_template, path)
    text = substituted("litestream.yml", **{"s3://BUCKET/gateway": f"file://{tmp_path}/copies", "/var/lib/gateway/gateway.db": str(path)})
    (tmp_path / "litestream.yml").write_text(text)
    who = await access(f"sqlite:///{path}")
    async with serving(f"sqlite:///{path}", tmp_path) as (gateway,), httpx.AsyncClient(base_url=gateway.url, headers=who.headers) as client:
        command = [litestream, "replicate", "-config", tmp_path / "litestream.yml"]
        with running(command, tmp_path, lambda: any((tmp_path / "copies").rglob("*"))) as process:
            for number in range(WRITES):
                made = await client.post("/api/accounts/", json={"name": f"A{number}"}, timeout=PATIENCE)
                assert made.status_code == 201, made.text
            # It copies what is left before it ends.
            process.terminate()
            await asyncio.to_thread(process.wait, PATIENCE)
    done = run(litestream, "restore", "-config", tmp_path / "litestream.yml", "-o", copy, path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert _accounts(copy) == WRITES
    raw = sqlite3.connect(copy)
    assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    raw.close()

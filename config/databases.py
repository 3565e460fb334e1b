"""Creating, copying and dropping databases of the embedded server, as its superuser."""

from __future__ import annotations

import psycopg
from psycopg import sql

from config.queue import install as install_queue


class DatabaseVerbs:
    """What a cluster can do with its databases; the cluster gives the connection and the addresses."""

    def superuser(self, database: str = "postgres") -> psycopg.Connection:
        """A connection in autocommit as the superuser."""
        raise NotImplementedError

    def url(self, login: str, database: str, scheme: str = "postgresql") -> str:
        """The address of a database for one login."""
        raise NotImplementedError

    def create_database(
        self, name: str, *, owner: str = "voucher_owner", template: str | None = None
    ) -> bool:
        """Create a database unless it exists; whether it was created."""
        with self.superuser() as connection:
            if (
                connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone()
                is not None
            ):
                return False
            identifier = sql.Identifier
            statement = sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}")
            connection.execute(
                statement.format(identifier(name), identifier(owner), identifier(template or "template1"))
            )
            connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(identifier(name)))
            if owner == "voucher_owner":
                connection.execute(
                    sql.SQL(
                        "GRANT CONNECT, TEMPORARY ON DATABASE {} TO voucher_migrator, voucher_app, voucher_sealer"
                    ).format(identifier(name))
                )
        return True

    def drop_database(self, name: str) -> None:
        """Drop a database, whoever is connected to it."""
        with self.superuser() as connection:
            connection.execute(
                sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
            )

    def has_database(self, name: str) -> bool:
        """Whether there is such a database."""
        with self.superuser() as connection:
            return (
                connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).fetchone()
                is not None
            )

    def drop_databases_like(self, pattern: str) -> None:
        """Drop every database whose name is LIKE the pattern."""
        with self.superuser() as connection:
            rows = connection.execute(
                "SELECT datname FROM pg_database WHERE datname LIKE %s", [pattern]
            ).fetchall()
        for (name,) in rows:
            self.drop_database(name)

    def remark(self, name: str) -> str | None:
        """The remark kept with a database, or None."""
        with self.superuser() as connection:
            row = connection.execute(
                "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [name]
            ).fetchone()
        return row[0] if row else None

    def set_remark(self, name: str, remark: str) -> None:
        """Keep a remark with a database."""
        with self.superuser() as connection:
            connection.execute(sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), remark))

    def rename_database(self, name: str, new_name: str) -> None:
        """Give a database that nobody is connected to another name."""
        with self.superuser() as connection:
            statement = sql.SQL("ALTER DATABASE {} RENAME TO {}")
            connection.execute(statement.format(sql.Identifier(name), sql.Identifier(new_name)))

    def create_queue(self, name: str) -> None:
        """A database for the queue, with its tables and functions, unless it exists."""
        self.create_database(name, owner="voucher_queue")
        install_queue(self.url("voucher_queue", name))

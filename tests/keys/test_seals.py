"""Whoever writes into the database without the ledger key is found, and where."""

from datetime import timedelta

import pytest
from sqlalchemy import insert, select, text

from keys import ledger, seals, verify
from keys.entries import Entry, Kind, append, entries
from keys.installation_id import digest
from keys.ledger import Claim
from keys.reservations import reservations
from keys.verify import Damage, Problem
from tests.conftest import NOW

ENTRIES = 11  # the grant, then five activations of two entries each

UNGUARD = {
    "sqlite": [f"DROP TRIGGER {table}_no_{verb}" for table in ("entries", "seals") for verb in ("update", "delete")],
    "postgresql": [f"ALTER TABLE {table} DISABLE TRIGGER ALL" for table in ("entries", "seals")],
}
REGUARD = {
    "sqlite": [
        f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table} BEGIN SELECT RAISE(ABORT, 'append-only'); END"
        for table in ("entries", "seals")
        for verb in ("update", "delete")
    ],
    "postgresql": [f"ALTER TABLE {table} ENABLE TRIGGER ALL" for table in ("entries", "seals")],
}


@pytest.fixture
def roots(tmp_path):
    return tmp_path / "roots.jsonl"


@pytest.fixture
def sealed(database, mak, secrets, installation):
    """A ledger of eleven sealed entries."""
    for nonce in range(5):
        claim = Claim(installation(1, mak.key.serial, nonce=nonce), 2, "phone", f"call-{nonce}", None)
        with database.begin() as connection:
            ledger.reserve_and_post(connection, claim, now=NOW + timedelta(seconds=nonce))
    assert seal(database, secrets) == ENTRIES
    return database


def seal(database, secrets, **limits):
    with database.begin() as connection:
        return seals.seal(connection, secrets.ledger_key, **limits)


def forge(database, *statements, **values):
    """What somebody does who may write to the database and takes care to put the guards back."""
    with database.begin() as connection:
        for statement in (*UNGUARD[database.dialect], *statements, *REGUARD[database.dialect]):
            connection.execute(text(statement), {name: values[name] for name in values if f":{name}" in statement})


def report(database, secrets, roots=None):
    with database.read() as connection:
        return verify.verify(connection, secrets, roots)


def entry_at(database, position):
    with database.read() as connection:
        query = text("SELECT entry_id FROM seals WHERE position = :position")
        return connection.execute(query, {"position": position}).scalar_one()


def test_an_untouched_ledger_is_sound_and_tells_its_unsealed_tail(sealed, secrets, mak):
    assert report(sealed, secrets) == verify.Report(ENTRIES, 0, 0, ())
    with sealed.begin() as connection:
        append(connection, Entry(NOW, Kind.BLOCK, mak.key.id, actor="Mara", reason="test"))
    assert report(sealed, secrets) == verify.Report(ENTRIES, 1, 0, ())
    assert seal(sealed, secrets) == 1
    assert seal(sealed, secrets) == 0


def test_sealing_in_small_passes_makes_the_same_chain(database, mak, secrets):
    for number in range(7):
        with database.begin() as connection:
            append(connection, Entry(NOW, Kind.BLOCK, mak.key.id, reason=str(number)))
    assert [seal(database, secrets, limit=3) for _ in range(4)] == [3, 3, 2, 0]
    assert report(database, secrets).sound


@pytest.mark.parametrize(
    "change",
    [
        "granted = granted + 1",
        "posted = posted + 1",
        "actor = 'somebody else'",
        "reason = 'because'",
        "channel = 'operator'",
        "holder = 'call-9'",
        "details = '[]'",
        "key_id = key_id + 1",
        "reservation_id = 99",
        "kind = 'void'",
        "at = (SELECT max(at) FROM entries)",
    ],
)
@pytest.mark.parametrize("position", [2, ENTRIES - 2])
def test_an_edited_entry_is_found_whatever_was_edited(sealed, secrets, change, position):
    entry_id = entry_at(sealed, position)
    forge(sealed, f"UPDATE entries SET {change} WHERE id = :id", id=entry_id)
    found = [one for one in report(sealed, secrets).problems if one.position is not None]
    assert found == [Problem(Damage.EDITED, position, entry_id)]


def test_two_edited_entries_side_by_side_are_both_found(sealed, secrets):
    forge(sealed, "UPDATE entries SET reason = 'x' WHERE id IN (SELECT entry_id FROM seals WHERE position IN (4, 5))")
    assert [(one.damage, one.position) for one in report(sealed, secrets).problems] == [
        (Damage.EDITED, 4),
        (Damage.EDITED, 5),
    ]


def test_the_last_entry_edited_is_found(sealed, secrets):
    forge(sealed, "UPDATE entries SET reason = 'x' WHERE id = (SELECT max(id) FROM entries)")
    assert [(one.damage, one.position) for one in report(sealed, secrets).problems] == [(Damage.EDITED, ENTRIES)]


def test_a_missing_entry_is_found_and_its_neighbours_are_not_blamed(sealed, secrets, mak):
    entry_id = entry_at(sealed, 5)
    forge(sealed, "DELETE FROM entries WHERE id = :id", id=entry_id)
    assert report(sealed, secrets).problems == (
        Problem(Damage.MISSING, 5, entry_id),
        Problem(Damage.MISCOUNTED, key_id=mak.key.id),
        Problem(Damage.UNVOUCHED, reservation_id=2),
    )


def test_an_entry_taken_away_with_its_seal_leaves_a_hole(sealed, secrets):
    entry_id = entry_at(sealed, 5)
    forge(
        sealed,
        "DELETE FROM entries WHERE id = :id",
        "DELETE FROM seals WHERE entry_id = :id",
        "UPDATE allowances SET pending = 0",
        id=entry_id,
    )
    assert Problem(Damage.SEAL_MISSING, position=5) in report(sealed, secrets).problems


def test_a_hole_that_was_closed_up_is_found(sealed, secrets):
    forge(
        sealed,
        "DELETE FROM seals WHERE position = 5",
        *(
            f"UPDATE seals SET position = {position - 1} WHERE position = {position}"
            for position in range(6, ENTRIES + 1)
        ),
    )
    assert not report(sealed, secrets).sound


def test_a_forged_seal_is_told_from_an_edited_entry(sealed, secrets):
    forge(sealed, "UPDATE seals SET mac = :mac WHERE position = 5", mac=b"?" * 32)
    assert report(sealed, secrets).problems == (Problem(Damage.FORGED_SEAL, 5, entry_at(sealed, 5)),)


def an_activation(database, mak, installation, nonce=99):
    """What the line answers an installation that comes for the first time, at no cost, if a row stands for it."""
    claim = Claim(installation(1, mak.key.serial, nonce=nonce), 2, "phone", "call-x", None)
    with database.begin() as connection:
        return ledger.reserve_and_post(connection, claim, now=NOW + timedelta(hours=1)), digest(claim.iid)


def test_an_activation_that_was_written_into_the_database_is_found(sealed, secrets, mak, installation):
    """Nothing was taken for it, and the line itself would answer its machine."""
    with sealed.read() as connection:
        row = dict(connection.execute(select(reservations)).mappings().first())
    row |= {"id": 4711, "iid_digest": digest(installation(1, mak.key.serial, nonce=99))}
    with sealed.begin() as connection:
        connection.execute(insert(reservations).values(row))
    assert report(sealed, secrets).problems == (Problem(Damage.UNVOUCHED, reservation_id=4711),)
    answer, _ = an_activation(sealed, mak, installation)
    assert isinstance(answer, ledger.Activated)
    assert report(sealed, secrets).problems == (Problem(Damage.UNVOUCHED, reservation_id=4711),)


@pytest.mark.parametrize(
    "change", ["iid_digest = :other", "valid_until = valid_until + 120", "nonce = nonce + 1", "fingerprint = 7"]
)
def test_an_activation_that_was_handed_to_another_machine_or_for_longer_is_found(
    sealed, secrets, mak, installation, change
):
    other = digest(installation(1, mak.key.serial, nonce=99))
    with sealed.begin() as connection:
        connection.execute(
            text(f"UPDATE reservations SET {change} WHERE id = (SELECT min(id) FROM reservations)"),
            {"other": other} if ":other" in change else {},
        )
    (problem,) = report(sealed, secrets).problems
    assert problem == Problem(Damage.EDITED, 2, entry_at(sealed, 2))


@pytest.mark.parametrize("state", ["voided", "returned"])
def test_an_activation_that_was_undone_without_an_entry_is_found(sealed, secrets, state):
    with sealed.begin() as connection:
        connection.execute(text("UPDATE reservations SET state = :state WHERE id = 3"), {"state": state})
    assert Problem(Damage.UNVOUCHED, reservation_id=3) in report(sealed, secrets).problems


def test_an_activation_that_was_taken_away_is_found(sealed, secrets):
    with sealed.begin() as connection:
        connection.execute(text("DELETE FROM reservations WHERE id = 3"))
    held = entry_at(sealed, 6)  # the grant, then two entries each
    assert set(report(sealed, secrets).problems) >= {
        Problem(Damage.EDITED, 6, held),
        Problem(Damage.UNVOUCHED, reservation_id=3),
    }


def test_entries_that_were_sealed_before_their_reservations_were_are_sound_still(sealed, secrets):
    with sealed.read() as connection:
        rows = connection.execute(select(entries).order_by(entries.c.id)).all()
    statements, values, previous = [], {}, seals.NO_SEAL
    for position, entry in enumerate(rows[:-3], 1):
        previous = seals.mac_of(secrets.ledger_key, position, previous, entry)
        statements.append(f"UPDATE seals SET mac = :mac{position:02d} WHERE position = {position}")
        values[f"mac{position:02d}"] = previous
    forge(sealed, *statements, f"DELETE FROM seals WHERE position > {len(rows) - 3}", **values)
    assert report(sealed, secrets).sound
    assert seal(sealed, secrets) == 3
    assert report(sealed, secrets) == verify.Report(ENTRIES, 0, 0, ())
    forge(sealed, "UPDATE entries SET reason = 'x' WHERE id = (SELECT entry_id FROM seals WHERE position = 4)")
    assert report(sealed, secrets).problems == (Problem(Damage.EDITED, 4, entry_at(sealed, 4)),)


def test_an_entry_taken_out_and_put_back_changed_with_all_that_can_be_counted_again_is_found(sealed, secrets):
    """The forger gives the key more, and makes every counter and guard agree with it."""
    entry_id = entry_at(sealed, 1)
    columns = [column.name for column in entries.c if column.name != "granted"]
    copied = f"INSERT INTO entries ({', '.join(columns)}, granted) SELECT {', '.join(columns)}, 1000 FROM aside"
    forge(
        sealed,
        "CREATE TEMPORARY TABLE aside AS SELECT * FROM entries WHERE id = :id",
        "DELETE FROM entries WHERE id = :id",
        copied,
        "DROP TABLE aside",
        "UPDATE allowances SET granted = 1000",
        id=entry_id,
    )
    assert report(sealed, secrets).problems == (Problem(Damage.EDITED, 1, entry_id),)


def test_a_whole_chain_made_with_another_key_is_found(sealed, secrets):
    with sealed.read() as connection:
        rows = connection.execute(select(entries).order_by(entries.c.id)).all()
    statements, values, previous = [], {}, seals.NO_SEAL
    for position, entry in enumerate(rows, 1):
        previous = seals.mac_of(b"guess" * 6, position, previous, entry)
        statements.append(f"UPDATE seals SET mac = :mac{position:02d} WHERE position = {position}")
        values[f"mac{position:02d}"] = previous
    forge(sealed, *statements, **values)
    assert len(report(sealed, secrets).problems) == ENTRIES


def test_a_tail_cut_off_is_found_by_the_signed_root(sealed, secrets, roots):
    with sealed.read() as connection:
        root = seals.write_root(connection, secrets, roots, NOW)
    assert root.position == ENTRIES
    assert report(sealed, secrets, roots) == verify.Report(ENTRIES, 0, 1, ())
    forge(
        sealed,
        "DELETE FROM entries WHERE id IN (SELECT entry_id FROM seals WHERE position > 9)",
        "DELETE FROM seals WHERE position > 9",
        "UPDATE allowances SET posted = posted - 1",
        "DELETE FROM reservations WHERE id = 5",
        "UPDATE reactivations SET counted = counted - 1",
    )
    assert report(sealed, secrets).sound  # nothing inside the database can tell
    assert report(sealed, secrets, roots).problems == (Problem(Damage.CUT_OFF, position=10),)


def test_history_edited_and_sealed_anew_by_the_line_itself_is_found_by_the_signed_root(sealed, secrets, roots):
    with sealed.read() as connection:
        seals.write_root(connection, secrets, roots, NOW)
    forge(
        sealed,
        "UPDATE entries SET reason = 'x' WHERE id = (SELECT entry_id FROM seals WHERE position = 4)",
        "DELETE FROM seals WHERE position >= 4",
    )
    assert seal(sealed, secrets) == ENTRIES - 3
    assert report(sealed, secrets).sound
    assert [one.damage for one in report(sealed, secrets, roots).problems] == [Damage.REWRITTEN]


def test_a_forged_or_torn_line_among_the_roots_is_named(sealed, secrets, roots):
    with sealed.read() as connection:
        seals.write_root(connection, secrets, roots, NOW)
    good = roots.read_text()
    roots.write_text(good + good.replace('"position": 11', '"position": 12') + good[:40] + "\n" + "[]\n" + good)
    found = report(sealed, secrets, roots)
    assert found.roots == 2
    assert found.problems == tuple(Problem(Damage.BAD_ROOT, line=line) for line in (2, 3, 4))


def test_a_torn_last_line_spoils_no_later_root(sealed, secrets, roots):
    with sealed.read() as connection:
        seals.write_root(connection, secrets, roots, NOW)
        roots.write_text(roots.read_text() * 2 + '{"position": 1')
        seals.write_root(connection, secrets, roots, NOW)
    found = report(sealed, secrets, roots)
    assert found.roots == 3
    assert found.problems == (Problem(Damage.BAD_ROOT, line=3),)


def test_the_same_root_is_not_written_twice_in_a_row(sealed, secrets, roots):
    with sealed.read() as connection:
        seals.write_root(connection, secrets, roots, NOW)
        seals.write_root(connection, secrets, roots, NOW)
    assert len(roots.read_text().splitlines()) == 1


def test_nothing_sealed_gives_no_root(database, secrets, roots):
    with database.read() as connection:
        assert seals.write_root(connection, secrets, roots, NOW) is None
    assert not roots.exists()


def test_counters_that_were_raised_are_found(sealed, secrets, mak):
    with sealed.begin() as connection:
        connection.execute(text("UPDATE allowances SET granted = 1000"))
    assert report(sealed, secrets).problems == (Problem(Damage.MISCOUNTED, key_id=mak.key.id),)


def test_a_guard_left_off_is_told(sealed, secrets):
    with sealed.begin() as connection:
        for statement in UNGUARD[sealed.dialect]:
            connection.execute(text(statement))
    assert [(one.damage, one.table) for one in report(sealed, secrets).problems] == [
        (Damage.UNGUARDED, "entries"),
        (Damage.UNGUARDED, "seals"),
    ]


# SQLite has one writer at a time, so none is ever late.
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_an_entry_that_was_committed_late_is_sealed_behind_its_successors(database, mak, secrets):
    late = database.engine.connect()
    begun = late.begin()
    append(late, Entry(NOW, Kind.BLOCK, mak.key.id, reason="late"))
    with database.begin() as connection:
        append(connection, Entry(NOW, Kind.UNBLOCK, mak.key.id, reason="early"))
    assert seal(database, secrets) == 2
    begun.commit()
    late.close()
    assert report(database, secrets).unsealed == 1
    assert seal(database, secrets) == 1
    assert report(database, secrets) == verify.Report(3, 0, 0, ())

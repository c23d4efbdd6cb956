"""CSV with broken, escaped and missing quotes: every line is a row, is set aside by its number, or stops the file."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from faultmap_core.base.errors import EvalFileError
from faultmap_core.data.eval_table import EvalOptions, RowError
from faultmap_core.readers import read_eval_file
from faultmap_core.readers.files import csv_records
from faultmap_core.readers.rows.tabular import table_rows

HEADER = "example_id,model,input_text,output_text,score\n"


def read(path: Path, **options):
    batches = list(read_eval_file(path, EvalOptions(**options)))
    rows = [row for batch in batches for row in batch.rows.to_pylist()]
    return rows, [row for batch in batches for row in batch.rejected], batches[-1].size


def numbered(count: int, changed: dict[int, str]) -> str:
    """A table of which some rows, counted from 0, are replaced; row n stands on line n + 2."""
    return "".join(f"{changed.get(n, f'e{n},m,question {n},answer,{n % 2}')}\n" for n in range(count))


def table(folder: Path, count: int, changed: dict[int, str], name: str = "q.csv") -> Path:
    path = folder / name
    path.write_text(HEADER + numbered(count, changed), encoding="utf-8", newline="")
    return path


def ids(rows) -> list[str]:
    return [row["example_id"] for row in rows]


@pytest.mark.parametrize(
    "damaged",
    [
        'e30,m,"a stray quote,answer,0',
        'e30,"m,question,answer,0',
        'e30,m,question,answer,"0',
        '"e30,m,question,answer,0',
        'e30,m,"a "stray quote,answer,0',
    ],
)
def test_a_missing_quote_costs_its_line_alone(tmp_path, damaged):
    rows, rejected, size = read(table(tmp_path, 1_000, {30: damaged}))
    assert ids(rows) == [f"e{n}" for n in range(1_000) if n != 30]
    assert [row.line for row in rejected] == [32]
    assert "not valid CSV" in rejected[0].reason
    assert (size.physical_lines, size.account.set_aside) == (1_001, 1)


def test_several_missing_quotes_cost_their_lines_alone(tmp_path):
    changed = {n: f'e{n},m,"stray {n},answer,0' for n in (6, 7, 300, 998)}
    # A good row whose quotes look like the end of the damaged ones.
    changed[400] = 'e400,m,"question, 400","an ""answer""",1'
    rows, rejected, _ = read(table(tmp_path, 1_000, changed))
    assert ids(rows) == [f"e{n}" for n in range(1_000) if n not in (6, 7, 300, 998)]
    assert sum(row.reason.count("not valid CSV") for row in rejected) == len(rejected)
    assert {row.line for row in rejected} <= {8, 9, 302, 1_000}
    assert "lines 8–9 are not valid CSV" in rejected[0].reason


def test_two_quotes_that_close_each_other_swallow_no_row_unseen(tmp_path):
    rows, rejected, size = read(table(tmp_path, 100, {30: 'e30,m,"stray,answer,0', 40: 'e40,m,question",answer,1'}))
    assert ids(rows) == [f"e{n}" for n in range(100) if not 30 <= n <= 40]
    assert "lines 32–42 are one quoted cell" in rejected[0].reason
    assert size.account.set_aside == 11


def test_a_table_of_which_most_is_swallowed_is_refused(tmp_path):
    path = table(tmp_path, 100, {30: 'e30,m,"stray,answer,0', 98: 'e98,m,question",answer,1'})
    with pytest.raises(EvalFileError, match=r"69 of 101 lines cannot be read \(the first: line 32–100\)"):
        read(path)


def test_lines_of_a_damaged_text_do_not_become_rows(tmp_path):
    # By the number of fields alone, "so, it, goes, on, said" would be a row; its score is no number.
    damaged = 'e30,m,"he said "hi"\nso, it, goes, on, said\nand, went",answer,0'
    rows, rejected, _ = read(table(tmp_path, 60, {30: damaged}))
    assert ids(rows) == [f"e{n}" for n in range(60) if n != 30]
    assert [row.line for row in rejected] == [32]
    assert "lines 32–34" in rejected[0].reason


def test_cells_of_several_lines_are_one_record(tmp_path):
    text = 'first line\n\nthird, with a comma\r\n“quoted” and "doubled"\n' + "x\n" * 300
    path = tmp_path / "q.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerows([["example_id", "model", "input_text", "output_text", "score"], ["1", "m", text, text, 1],
                          ["2", "m", "q", "a", 0]])  # fmt: skip
    rows, rejected, size = read(path)
    assert [(row["input_text"], row["output_text"]) for row in rows] == [(text, text), ("q", "a")]
    assert not rejected
    # Counted by hand: every line end of the file is one line.
    assert size.physical_lines == len(path.read_bytes().splitlines()) == size.account.lines


def test_a_table_inside_of_a_text_stays_text(tmp_path):
    inner = "a,b,c,d,e\nk,l,m,n,o\np,q,r,s,t"
    rows, rejected, _ = read(table(tmp_path, 20, {7: f'e7,m,"{inner}",answer,1'}))
    assert (rows[7]["input_text"], len(rows), rejected) == (inner, 20, [])


@pytest.mark.parametrize(
    ("line", "prompt"),
    [
        (r'1,m,"He said \"hi, you\" to me",a,1', 'He said "hi, you" to me'),
        (r'1,m,"\"Hi\", he said",a,1', '"Hi", he said'),
        (r'1,m,"ends with a quote\"",a,1', 'ends with a quote"'),
        (r'1,m,"\frac{a}{b}, C:\",a,1', "\\frac{a}{b}, C:\\"),
        ('1,m,He said "hi" to me,a,1', 'He said "hi" to me'),
        ('1,m,"He said "hi" to me",a,1', 'He said "hi" to me'),
        ('1,m,"He said ""hi"", to me",a,1', 'He said "hi", to me'),
        ('1, m, "spaces, before", a, 1', "spaces, before"),
        ("1,m,q,a,1,,", "q"),
    ],
)
def test_quotes_as_people_write_them(tmp_path, line, prompt):
    rows, rejected, _ = read(table(tmp_path, 8, {3: line}))
    assert (rows[3]["input_text"], rows[3]["model"].strip(), rows[3]["score"]) == (prompt, "m", 1.0)
    assert (len(rows), rejected) == (8, [])


def test_escaped_quotes_over_several_lines(tmp_path):
    rows, rejected, _ = read(table(tmp_path, 8, {3: 'e3,m,"He said \\"hi\nthere\\", to me",a,1'}))
    assert (rows[3]["input_text"], len(rows), rejected) == ('He said "hi\nthere", to me', 8, [])


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_spreadsheets_write(tmp_path, mark, encoding):
    rows = [["example_id", "model", "input_text", "output_text", "score"], ["1", "m", "é\né", "ü", "1"],
            ["2", "m", "q", "", "0"], ["", "", "", "", ""]]  # fmt: skip
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=mark).writerows(rows)
    path = tmp_path / "q.csv"
    path.write_text(f"sep={mark}\r\n{text.getvalue()}", encoding=encoding, newline="")
    found, rejected, size = read(path)
    assert [(row["input_text"], row["line"]) for row in found] == [("é\né", 3), ("q", 5)]
    assert (rejected, size.physical_lines, size.account.header, size.account.blank) == ([], 6, 2, 1)


def test_tab_separated_text_needs_no_quoting(tmp_path):
    path = tmp_path / "q.tsv"
    path.write_text(HEADER.replace(",", "\t") + '1\tm\t"Hi" he said\t"open\t1\n2\tm\tq\ta\t0\n')
    rows, rejected, _ = read(path)
    assert [(row["input_text"], row["output_text"]) for row in rows] == [('"Hi" he said', '"open'), ("q", "a")]
    assert not rejected


def test_a_badly_damaged_file_takes_bounded_time(tmp_path, monkeypatch):
    monkeypatch.setattr("faultmap_core.readers.files.csv_records._FREE_REREADING", 100_000)
    looked_at = []
    # Doubled quotes never close a cell: every stray quote would be looked for until the end of the file.
    changed = {n: f'e{n},m,"stray,answer,0' if n % 4 == 0 else f'e{n},m,"",answer,1' for n in range(4_000)}
    path = table(tmp_path, 4_000, changed)
    take = csv_records._Lines.__next__
    monkeypatch.setattr(csv_records._Lines, "__next__", lambda lines: looked_at.append(1) or take(lines))
    with pytest.raises(EvalFileError, match=r"no row can be used|cannot be read"):
        read(path)
    # 4,000 lines, each looked at some 50 times at most; without the bound it is 2,000,000.
    assert len(looked_at) < 4_000 * 120


def test_the_last_line_of_a_long_cell_is_no_row_of_its_own(tmp_path):
    # As many commas as a row has, and numbers where the column has numbers: still the end of a cell.
    header = "id,model,question,answer,score,reference,skill\n"
    rows = "".join(f"{n},m,What is {n}?,{n},1,{n},numbers\n" for n in range(8))
    long = '8,m,What is fifty?,"Finite: 5\nInfinite: 5\n\nIn words, it is used, but here, it is not.",0,50,numbers\n'
    path = tmp_path / "t.csv"
    path.write_text(header + rows + long + "9,m,What is 9?,9,1,9,numbers\n")
    found, rejected, *_ = read(path)
    assert rejected == []
    assert [row["example_id"] for row in found] == [str(n) for n in range(10)]
    assert found[8]["output_text"] == "Finite: 5\nInfinite: 5\n\nIn words, it is used, but here, it is not."


LINES = [
    "1,m,a,b,0",
    "2,m,c,d,1",
    "0.5,x,1,2,3",
    "7,8,9,10,11",
    "id,model,q,a,score",
    "a,b,c",
    "text",
    '{"a": [1, 2]}',
    '"said"',
    "",
]
CELLS = st.lists(
    st.one_of(
        st.sampled_from(LINES),
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12),
    ),
    min_size=1,
    max_size=8,
).map("\n".join)


@settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    texts=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=25),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    line_end=st.sampled_from(["\n", "\r\n"]),
    named=st.booleans(),
)
def test_what_the_csv_module_writes_comes_out_as_it_was(tmp_path, texts, quoting, line_end, named):
    # The oracle is Python's csv: tables, numbers and quotes inside of an answer are the answer.
    header = ["id", "model", "question", "answer", "score"]
    rows = [[f"e{n}" if named else str(n), "gpt", one, other, str(n % 2)] for n, (one, other) in enumerate(texts)]
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=quoting, lineterminator=line_end)
    writer.writerows([header, *rows])
    path = tmp_path / "p.csv"
    path.write_bytes(text.getvalue().encode())
    found = [list(row.values()) if isinstance(row, dict) else str(row) for _, row in table_rows(path)]
    assert found == list(csv.reader(io.StringIO(text.getvalue(), newline="")))[1:]


@pytest.mark.parametrize("inner", ["a,b,0\nc,d,1\ne,f,1", "1,yes,0.5", "q,a,1\n" * 7])
def test_a_table_of_as_many_columns_inside_of_an_answer_is_the_answer(tmp_path, inner):
    # Its numbers stand where the table has its scores; nothing else shows that the lines are rows.
    path = tmp_path / "t.csv"
    rows = [
        ["prompt", "answer", "score"],
        *([f"question {n}?", inner if n > 20 else "short", n % 2] for n in range(40)),
    ]
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)
    found = [row for _, row in table_rows(path)]
    assert [row["answer"] for row in found] == [row[1] for row in rows[1:]]


@pytest.mark.parametrize("row", ["{n},{n}.5,q{n} or so,0", "e{n},{n}.5,q{n} or so,0", "a,m{part},q{n} or so,0"])
def test_rows_between_two_stray_quotes_are_told_by_a_count_an_id_or_the_model(tmp_path, row):
    lines = [row.format(n=n, part=n // 60) for n in range(100)]
    for n in (70, 80):
        lines[n] = lines[n].replace(",q", ',"q') if n == 70 else lines[n].replace(" so", ' so"')
    path = tmp_path / "t.csv"
    path.write_text("id,model,question,score\n" + "\n".join(lines) + "\n")
    found = [(line, row) for line, row in table_rows(path)]
    bad = [(line, str(row)) for line, row in found if isinstance(row, RowError)]
    assert [line for line, _ in bad] == [72]
    assert "lines 72–82 are one quoted cell" in bad[0][1]
    assert len(found) == 100 - 11 + 1


def test_sentences_with_as_many_commas_as_a_row_are_no_rows(tmp_path):
    # Five fields each, and a number where the score stands: by the commas alone each inner line would be a row.
    prompt = "Pick one.\n" + "A. take 0, 1, 2 to win, the rest to lose, 3\n" * 6 + "B. none"
    path = tmp_path / "q.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["example_id", "model", "input_text", "output_text", "score"])
        writer.writerows([f"e{n}", "m", prompt if n == 30 else f"question {n}", "answer", n % 2] for n in range(60))
    rows, rejected, size = read(path)
    assert ids(rows) == [f"e{n}" for n in range(60)]
    assert rows[30]["input_text"] == prompt
    assert not rejected
    assert size.account.set_aside == 0

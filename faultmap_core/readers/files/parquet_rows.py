"""Reads the rows of a Parquet file; a value that Python cannot hold costs its cell and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from faultmap_core.readers.files.conservation import LineAccount

# Few, because a Parquet file says nothing about the length of a single text.
_ROWS = 100
_READ_BYTES = 1 << 20


def parquet_rows(parquet: pq.ParquetFile, account: LineAccount) -> Iterator[dict[str, Any]]:
    """Yield the rows of an open Parquet file as mappings, and count them."""
    account.expected_records = parquet.metadata.num_rows
    for batch in parquet.iter_batches(batch_size=_ROWS):
        columns = [_values(batch.column(place)) for place in range(batch.num_columns)]
        names = batch.schema.names
        account.records += batch.num_rows
        for row in zip(*columns, strict=True):
            yield dict(zip(names, row, strict=True))


def open_parquet(path: Path) -> pq.ParquetFile:
    """Open a Parquet file such that its columns are streamed; by default a whole row group is in memory."""
    return pq.ParquetFile(path, buffer_size=_READ_BYTES, pre_buffer=False, page_checksum_verification=True)


def _values(column: pa.Array) -> list[Any]:
    try:
        return column.to_pylist()  # type: ignore[no-any-return]
    except Exception:
        # What Arrow raises here depends on the type: ValueError, OverflowError, UnicodeDecodeError, ArrowInvalid.
        return [_value(column[place]) for place in range(len(column))]


def _value(cell: pa.Scalar) -> Any:
    """Return a cell as Python knows it, else as text, else nothing."""
    try:
        return cell.as_py()
    except Exception:
        return _text(cell)


def _text(cell: pa.Scalar) -> str | None:
    try:
        if pa.types.is_string(cell.type) or pa.types.is_large_string(cell.type):
            return bytes(cell.as_buffer()).decode("utf-8", "replace")
        return pc.cast(cell, pa.string()).as_py()  # type: ignore[no-any-return]
    except Exception:
        # A time that no calendar holds is a number still.
        try:
            return str(pc.cast(cell, pa.int64()).as_py())
        except Exception:
            return None

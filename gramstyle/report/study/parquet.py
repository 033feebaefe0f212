"""Tidy tables as Parquet, typed and compressed."""

from __future__ import annotations

import io

from gramstyle.report.study.columns import Tidy


def parquet(table: Tidy) -> bytes:
    """The bytes of a Parquet file: strings, 64-bit numbers and flags, null where a value is missing.

    NaN stays NaN: not defined is something else than not computed.
    """
    import pyarrow
    from pyarrow.parquet import write_table

    types = {
        "text": pyarrow.string(),
        "number": pyarrow.float64(),
        "count": pyarrow.int64(),
        "flag": pyarrow.bool_(),
    }
    schema = pyarrow.schema([(name, types[kind]) for name, kind in table.kinds.items()])
    arrays = [
        pyarrow.array(values, type=field.type, from_pandas=False)
        for values, field in zip(table.values.values(), schema, strict=True)
    ]
    buffer = io.BytesIO()
    write_table(pyarrow.Table.from_arrays(arrays, schema=schema), buffer, compression="zstd")
    return buffer.getvalue()

"""Brings a CSV file into a DuckDB database file; prints rows, seconds and peak memory as JSON.

python read_csv.py FILE.csv DATABASE THREADS
"""

import json
import os
import resource
import sys
import time

import duckdb

path, database, threads = sys.argv[1:4]
if os.path.exists(database):
    os.remove(database)
began = time.perf_counter()
connection = duckdb.connect(database, config={"threads": int(threads)})
connection.execute("CREATE TABLE t AS SELECT * FROM read_csv(?)", [path])
rows = connection.execute("SELECT count(*) FROM t").fetchone()[0]
connection.close()
print(json.dumps({
    "rows": rows,
    "seconds": time.perf_counter() - began,
    "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    "version": duckdb.__version__,
}))

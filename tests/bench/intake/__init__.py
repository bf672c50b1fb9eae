"""What sends observations while tests.bench.bench_intake measures: processes of their own, at a rate."""

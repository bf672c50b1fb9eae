"""What a node tells about itself: traces, counts, logs.

Counting is a few additions for each request, always. Spans are made only for requests that are recorded, and without a
collector none is: OpenTelemetry's SDK is not even imported then.
"""

"""The read path beside what people would take instead: PostGraphile, plain Strawberry, SQL by hand."""

"""The steps of a release on Spark, or on what speaks its Connect protocol: the local engine's batch functions, run by tasks.

The only package that imports pyspark, and only inside functions: the extras `spark` and `sail` bring it.
"""

"""The stream process: Faust hands out partitions, one Writer and the followers of each work on them.

`driver.Stream` is what the entry points start. Nothing outside this package knows Faust, and nothing is imported from
it before a stream starts.
"""

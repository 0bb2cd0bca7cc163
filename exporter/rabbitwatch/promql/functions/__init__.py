"""PromQL's functions, by theme; `table` lists them all."""

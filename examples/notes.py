"""Keep notes from a program: `python examples/notes.py notes.db`."""

import asyncio
import sys

import agent_memory


async def main(path: str) -> None:
    async with agent_memory.open_memory(path, agent_id="notes-example") as memory:
        kept = await memory.remember(
            "The staging database is refreshed every night at two",
            scope="acme/shop",
            kind="knowledge",
            tags=["database", "staging"],
        )
        print("remembered", kept.results[0].id, "(known already)" if kept.results[0].duplicate else "")

        for hit in await memory.recall("when is staging refreshed?", scope="acme/shop"):
            print(f"{hit.score:.2f}  {hit.content}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python examples/notes.py FILE")
    asyncio.run(main(sys.argv[1]))

# docker build -t agent-memory .
# Any base with Python 3.11 to 3.13, its venv module and a C library for which wheels are made will do.
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
# An index of your own, where the build cannot reach the public one.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
# pip passes over an extra that this version does not have.
ARG EXTRAS=postgres,redis,metrics
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_CONSTRAINT=/build/constraints.txt
WORKDIR /build
COPY . .
# Bytecode is compiled here: the running container writes nothing beside its data.
RUN python3 -m venv /opt/agent-memory \
    && /opt/agent-memory/bin/pip wheel --no-deps --wheel-dir /wheels . \
    && /opt/agent-memory/bin/pip install --no-compile "$(echo /wheels/agent_memory-*.whl)[${EXTRAS}]" \
    && /opt/agent-memory/bin/pip check \
    && /opt/agent-memory/bin/pip uninstall --yes pip \
    && python3 -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/agent-memory/lib

FROM ${BASE}
ARG VERSION=0.1.0
ARG REVISION
LABEL org.opencontainers.image.title="Agent Memory" \
      org.opencontainers.image.description="The memory that AI agents keep: durable, searchable, shared, over MCP" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# A fixed number, so that volumes keep their owner and orchestrators can check that it is not root.
RUN groupadd --system --gid 10001 agent-memory \
    && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/agent-memory agent-memory \
    && install -d -m 0700 -o 10001 -g 10001 /var/lib/agent-memory /run/agent-memory
COPY --from=build /opt/agent-memory /opt/agent-memory
COPY deploy/container/ready.py /opt/agent-memory/ready.py
ENV PATH=/opt/agent-memory/bin:/usr/local/bin:/usr/bin:/bin \
    AGENT_MEMORY_DATA_DIR=/var/lib/agent-memory \
    AGENT_MEMORY_RUNTIME_DIR=/run/agent-memory
USER 10001:10001
WORKDIR /var/lib/agent-memory
VOLUME /var/lib/agent-memory
# Draining takes AGENT_MEMORY_DRAIN_TIMEOUT_MS at most: give `docker stop` longer (-t 30) than that.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=5s --start-period=60s --retries=3 \
    CMD ["/opt/agent-memory/bin/python3", "-S", "-E", "/opt/agent-memory/ready.py"]
ENTRYPOINT ["agent-memory"]
CMD ["worker", "--listen"]

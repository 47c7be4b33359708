# The image of every questline process: worker, scheduler, gateway and the one-shot `questline db upgrade`.
# It holds questline alone. Mount the modules of your Lords below /app, or build your own image on top of this one.

ARG PYTHON=3.11

FROM python:${PYTHON}-slim AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build
COPY requirements/ requirements/
RUN python -m venv /opt/questline \
    && /opt/questline/bin/pip install -r requirements/gateway.txt -r requirements/codec.txt \
    && python -m venv /opt/builder \
    && /opt/builder/bin/pip install -r requirements/build.txt
COPY . .
RUN /opt/builder/bin/pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && /opt/questline/bin/pip install --no-deps dist/*.whl

FROM python:${PYTHON}-slim
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin questline \
    && install --directory --owner=questline --group=questline /app
COPY --from=build /opt/questline /opt/questline
ENV PATH="/opt/questline/bin:$PATH" \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    QUESTLINE_LOG_FORMAT=json
WORKDIR /app
USER 10001
HEALTHCHECK --interval=30s --timeout=10s --start-period=20s --retries=3 CMD ["questline", "doctor"]
# No init process in between: as the first process of a container, questline passes signals on and buries orphans.
ENTRYPOINT ["questline"]
CMD ["worker"]

# One image for all four services and the one-shot migration; the command decides which one runs.
# A second target, `simulators`, adds ears and voices for trying the system without a carrier or a key.

FROM python:3.12.12-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /app
RUN python -m venv /venv
COPY requirements/services.txt requirements/services.txt
RUN /venv/bin/pip install --require-hashes -r requirements/services.txt

# The hot path of the bridge as machine code, beside its sources. The compiler stays here.
FROM build AS compiled
RUN apt-get update && apt-get install --yes --no-install-recommends gcc=4:12.2.0-3 libc6-dev=2.36-9+deb12u* \
    && rm -rf /var/lib/apt/lists/*
COPY requirements/compile.txt requirements/compile.txt
RUN /venv/bin/pip install --require-hashes -r requirements/compile.txt
COPY scripts/compile_bridge.py scripts/compile_bridge.py
COPY agiza/ agiza/
COPY services/ services/
RUN /venv/bin/python scripts/compile_bridge.py --into /compiled

FROM build AS build-simulators
COPY requirements/simulators.txt requirements/simulators.txt
RUN /venv/bin/pip install --require-hashes -r requirements/simulators.txt

FROM python:3.12.12-slim-bookworm AS services
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/app
WORKDIR /app
RUN useradd --system --uid 10001 --no-create-home agiza && install -d -o agiza /certificates
COPY --from=build /venv /venv
COPY migrations/ migrations/
COPY branches/ branches/
COPY agiza/ agiza/
COPY --from=compiled /compiled/ ./
USER 10001
EXPOSE 8080
CMD ["python", "-m", "services.webhook"]

FROM python:3.12.12-slim-bookworm AS simulators
ENV PATH=/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/app
WORKDIR /app
RUN useradd --system --uid 10001 --create-home agiza && install -d -o agiza /certificates
COPY --from=build-simulators /venv /venv
COPY simulators/ simulators/
USER 10001
EXPOSE 8080
CMD ["python", "-m", "simulators.live_api"]

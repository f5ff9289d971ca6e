# Two stages: a compiler builds the wheel, and only the wheel's contents go on.
#
#   docker build -t sluice .
#   docker run -p 3333:3333 -v ./sluice.toml:/etc/sluice/sluice.toml:ro sluice

FROM python:3.13-slim-bookworm AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends gcc libc6-dev \
 && rm -rf /var/lib/apt/lists/*
RUN python -m venv /opt/sluice
WORKDIR /src
COPY pyproject.toml README.md ./
COPY proxy proxy
# SLUICE_NATIVE=portable makes the build fail here, and not the farm slow later, if the C part is missing.
RUN /opt/sluice/bin/pip install --no-cache-dir --no-compile . \
 && (cd / && SLUICE_NATIVE=portable /opt/sluice/bin/python -c "import proxy.native") \
 && /opt/sluice/bin/pip uninstall -y pip \
 && find /opt/sluice -name __pycache__ -prune -exec rm -rf {} +

FROM python:3.13-slim-bookworm
LABEL org.opencontainers.image.title="sluice" \
      org.opencontainers.image.description="A stratum proxy that checks every share"
COPY --from=build /opt/sluice /opt/sluice
ENV PATH=/opt/sluice/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# Numeric, so that a cluster can see it is not root; the group too, or it would be 0.
USER 10001:10001
WORKDIR /tmp
EXPOSE 3333 9180
HEALTHCHECK --interval=10s --timeout=5s --start-period=15s --retries=3 CMD ["sluice", "health"]
ENTRYPOINT ["sluice"]
CMD ["run"]

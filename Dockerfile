# The image of Sluice: a compiler and pip in the first stage, and in the last only what runs.
#
#   docker build -t sluice .
#   docker run --read-only --tmpfs /tmp -p 3333:3333 -v ledger:/var/lib/sluice \
#     -e SLUICE__UPSTREAM__USER=0xa0… -e SLUICE__UPSTREAM__POOLS__0__URL=stratum+tcp://pool.example:3333 sluice
#   docker build --target sbom -o . .                         # the list of all that is in it, sbom.cdx.json
#
# Configuration: /etc/sluice/sluice.toml (deploy/container.toml is there, mount your own over it) and SLUICE__…;
# state, that is the ledger: the volume /var/lib/sluice, owned by 10001:10001.  Nothing else is written to, but with
# `workers` above 1 there is a socket in /tmp, or beside the ledger where that is read-only.
# Miners: 3333; HTTP: 9180, inside the container alone until http.address and a token are set.
#
# Any processor: the C code asks for AVX function by function and has a portable path, and no flag here names a
# processor.  So on arm64, or with --platform, the same file builds; every dependency has wheels for both.
#
# Twice the same: versions and hashes of all that Python brings are in deploy/image/*.txt, files have the time
# SOURCE_DATE_EPOCH, and the base can be pinned to its last bit: --build-arg BASE=python:3.13-slim-bookworm@sha256:…
# By itself it is a tag, so that a build takes up Debian's and Python's security fixes.
ARG BASE=python:3.13-slim-bookworm

FROM ${BASE} AS base
RUN dpkg-query -W -f '${Package}\t${Version}\t${Architecture}\n' > /debian.tsv

FROM ${BASE} AS build
# No version, for the same reason; the compiler does not go on.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install -y --no-install-recommends gcc libc6-dev \
 && rm -rf /var/lib/apt/lists/*
ARG SOURCE_DATE_EPOCH=1767225600
ENV PIP_NO_CACHE_DIR=1 \
    PIP_NO_COMPILE=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY deploy/image/build.txt deploy/image/requirements.txt deploy/image/
RUN python -m venv /opt/tools \
 && /opt/tools/bin/pip install --require-hashes -r deploy/image/build.txt \
 && python -m venv --without-pip /opt/sluice \
 && /opt/tools/bin/pip --python /opt/sluice/bin/python install --require-hashes -r deploy/image/requirements.txt
COPY pyproject.toml README.md ./
COPY proxy proxy
COPY deploy/image/sbom.py deploy/image/
COPY --from=base /debian.tsv /
# The C parts are optional to pip; importing them makes the build fail here, and not the farm slow later.  Compiled
# files keep the start short where the file system is read-only; they go by no time, so that they stay the same.
RUN /opt/tools/bin/pip wheel --no-deps --no-build-isolation -w /wheels . \
 && /opt/tools/bin/pip --python /opt/sluice/bin/python install --no-deps /wheels/*.whl \
 && /opt/sluice/bin/python -IB -c "import proxy.native._equihash, proxy.native._sending, proxy.sim._solver" \
 && /opt/sluice/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/sluice/lib \
 && /opt/tools/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
        --output-format JSON --output-file /packages.json /opt/sluice/bin/python \
 && /opt/sluice/bin/python -IB deploy/image/sbom.py /packages.json /debian.tsv > /sbom.cdx.json \
 && find /opt/sluice /sbom.cdx.json -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

FROM scratch AS sbom
COPY --from=build /sbom.cdx.json /

FROM ${BASE}
# A name for the number, for what asks who it is; and the one place it may write to.
RUN echo "sluice:x:10001:10001:Sluice:/var/lib/sluice:/usr/sbin/nologin" >> /etc/passwd \
 && echo "sluice:x:10001:" >> /etc/group \
 && install -d -o 10001 -g 10001 -m 0750 /var/lib/sluice
COPY --from=build /opt/sluice /opt/sluice
COPY --from=build /sbom.cdx.json /usr/share/doc/sluice/sbom.cdx.json
COPY deploy/container.toml /etc/sluice/sluice.toml
# What only the one who publishes an image knows is empty until he says it.
ARG SOURCE=""
ARG REVISION=""
ARG LICENSES=""
LABEL org.opencontainers.image.title="sluice" \
      org.opencontainers.image.description="A stratum proxy that checks every share: many miners in, one clean stream out." \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.licenses="${LICENSES}"
ENV PATH=/opt/sluice/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# Numeric, so that a cluster can see it is not root; the group too, or it would be 0.
USER 10001:10001
# Paths of the configuration count from here, and where /tmp is read-only, temporary files go here.
WORKDIR /var/lib/sluice
VOLUME ["/var/lib/sluice"]
EXPOSE 3333 9180
HEALTHCHECK --interval=10s --timeout=10s --start-period=15s --retries=3 CMD ["sluice", "health"]
ENTRYPOINT ["sluice"]
CMD ["run"]

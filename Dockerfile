# The locked environment and the project: nothing is downloaded when it runs.
# docs/cluster.md says how to use it. Podman takes the same commands as Docker.
ARG BASE=python:3.13-slim-trixie
FROM $BASE

# git tells which commit a result was made with; PyTorch compiles kernels for a GPU with a C compiler.
RUN apt-get update \
 && apt-get install --yes --no-install-recommends gcc git libc6-dev \
 && rm -rf /var/lib/apt/lists/* \
 && git config --system --add safe.directory /mtl

WORKDIR /mtl
COPY requirements.lock .
RUN python3 -m venv /opt/mtl \
 && /opt/mtl/bin/python -m pip install --no-cache-dir --require-hashes --requirement requirements.lock
COPY . .
RUN /opt/mtl/bin/python -m pip install --no-deps --no-build-isolation --editable .

ENV PATH=/opt/mtl/bin:$PATH
CMD ["snakemake", "--cores", "all"]

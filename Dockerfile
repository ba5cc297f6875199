# docker build --target cpu -t calovision .        docker run --rm -v "$PWD:/work" calovision --help
# docker build --target cuda -t calovision:cuda .  docker run --rm --gpus all -v "$PWD:/work" ...
FROM python:3.11-slim AS wheel
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.11-slim AS base
ENV CALOVISION_CACHE=/tmp/calovision PIP_NO_CACHE_DIR=1
WORKDIR /work
COPY --from=wheel /wheels /wheels
COPY constraints.txt /wheels/

FROM base AS cuda
RUN grep -v '^torch==' /wheels/constraints.txt > /wheels/others.txt \
 && pip install -c /wheels/others.txt /wheels/calovision-*.whl
ENTRYPOINT ["calovision"]

FROM base AS cpu
RUN pip install --index-url https://download.pytorch.org/whl/cpu \
      "$(grep '^torch==' /wheels/constraints.txt)" \
 && pip install -c /wheels/constraints.txt /wheels/calovision-*.whl
ENTRYPOINT ["calovision"]

# The hosted lab: one process serves everyone, with an account that may write to /data and its home alone.
FROM python:3.13-slim

ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore

# Hugging Face Spaces run every image as user 1000.
RUN useradd --create-home --uid 1000 lab && mkdir /data && chown 1000:1000 /data
WORKDIR /app

# The same TensorFlow without what graphics cards need: 600 MB less.
COPY requirements.txt ./
RUN sed 's/^tensorflow==/tensorflow-cpu==/' requirements.txt > hosted.txt && pip install -r hosted.txt

COPY .streamlit .streamlit
COPY regcore regcore
COPY pages pages
COPY app.py LICENSE ./
# The account that serves cannot write here, and need not compile at each start.
RUN python -m compileall -q app.py pages regcore

ENV HOME=/home/lab \
    REGCORE_PROFILE=host \
    REGCORE_LOG=json \
    REGCORE_DATABASE=sqlite:////data/lab.sqlite \
    STREAMLIT_SERVER_ADDRESS=0.0.0.0 \
    STREAMLIT_SERVER_PORT=8501 \
    STREAMLIT_SERVER_HEADLESS=true \
    STREAMLIT_SERVER_FILE_WATCHER_TYPE=none \
    STREAMLIT_LOGGER_HIDE_WELCOME_MESSAGE=true
USER 1000
VOLUME /data
EXPOSE 8501

HEALTHCHECK --interval=30s --timeout=10s --start-period=90s --retries=3 \
    CMD python -m regcore.hosting.ask_health "$STREAMLIT_SERVER_PORT"

# A Space is shown in a frame of another site, where a browser sends back no cookie that is not made for it.
CMD ["sh", "-c", "exec streamlit run app.py ${SPACE_ID:+--server.xsrfCookieSameSite=none}"]

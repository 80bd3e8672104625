"""What the pages share. A sub-folder of pages/ is no page to Streamlit."""

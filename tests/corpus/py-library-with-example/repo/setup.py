from setuptools import setup
setup(name="tinylib", python_requires=">=3.8", install_requires=["requests"])

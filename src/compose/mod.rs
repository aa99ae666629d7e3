//! compose.yaml and Dockerfile as the user has them.

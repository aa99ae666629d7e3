from falcon import App

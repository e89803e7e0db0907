"""How good are the models, the choices and the reports?"""

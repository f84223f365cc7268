"""Files to arrays, by transforms that are learnt from the training rows and stored with the model."""

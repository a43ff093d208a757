"""Methods with a discriminator, a critic or rival classifiers, one module each."""

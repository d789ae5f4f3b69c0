package dev.libretto;

import dev.libretto.model.Initializers;
import dev.libretto.model.LanguageModel;
import dev.libretto.run.RunConfig;
import dev.libretto.run.RunDirectory;
import dev.libretto.text.Corpus;
import dev.libretto.text.Vocabulary;
import dev.libretto.train.Checkpoint;
import dev.libretto.train.TrainConfig;
import dev.libretto.train.Trainer;
import dev.libretto.train.TrainingData;
import dev.libretto.train.TrainingListener;
import java.io.IOException;
import java.nio.file.Path;

/** A program that uses Libretto as a library: it repeats a run on the built-in corpus in another directory. */
public final class TrainAgain {
    private TrainAgain() {}

    /** @param args the run and the directory for the new one */
    public static void main(String[] args) throws IOException {
        RunConfig config = RunDirectory.open(Path.of(args[0])).config();
        TrainConfig training = config.training();
        Corpus corpus = Corpus.builtIn(config.corpus().options());
        Vocabulary vocabulary = Vocabulary.of(corpus);
        TrainingData data = TrainingData.of(training, vocabulary, corpus, null);
        Checkpoint start = Checkpoint.start(
                config.model(),
                config.training(),
                Initializers.draw(LanguageModel.parameters(config.model()), training.seed()));
        try (RunDirectory run = RunDirectory.create(Path.of(args[1]), config, vocabulary, false);
                Trainer trainer = new Trainer(config.model(), training, data, start, run, TrainingListener.NONE)) {
            trainer.train();
        }
    }
}

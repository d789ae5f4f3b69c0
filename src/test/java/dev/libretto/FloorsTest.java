package dev.libretto;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** A package uses only packages on lower floors; {@link LibrettoException} is the only class that all floors use. */
class FloorsTest {
    /** The lowest first; the empty name is the root package. */
    private static final List<List<String>> FLOORS = List.of(
            List.of("text", "device"),
            List.of("model"),
            List.of("train", "generate"),
            List.of("run"),
            List.of("export", "plot", "tensorboard"),
            List.of(""),
            List.of("serve"),
            List.of("cli"));

    private final JavaClasses classes = new ClassFileImporter()
            .withImportOption(location -> !location.contains("/test-classes/"))
            .importPackages("dev.libretto");

    @Test
    void packagesUseOnlyLowerFloors() {
        Set<String> known = new HashSet<>();
        for (List<String> floor : FLOORS) {
            for (String name : floor) {
                String own = "dev.libretto" + (name.isEmpty() ? "" : "." + name);
                Set<String> allowed = new HashSet<>(known);
                allowed.add(own);
                classes()
                        .that()
                        .resideInAPackage(own)
                        .should()
                        .onlyDependOnClassesThat(DescribedPredicate.describe(
                                "are in " + allowed + " or not Libretto's",
                                (JavaClass type) -> !type.getPackageName().startsWith("dev.libretto")
                                        || type.isEquivalentTo(LibrettoException.class)
                                        || allowed.contains(type.getPackageName())))
                        .check(classes);
            }
            floor.forEach(name -> known.add("dev.libretto" + (name.isEmpty() ? "" : "." + name)));
        }
        classes().should().resideInAnyPackage(known.toArray(String[]::new)).check(classes);
    }
}

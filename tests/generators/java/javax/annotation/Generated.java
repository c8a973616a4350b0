package javax.annotation;

/** What generated classes are marked with. Java has left it out since version 11; Maven would bring it as javax.annotation-api. */
public @interface Generated {
  String[] value();

  String date() default "";

  String comments() default "";
}
